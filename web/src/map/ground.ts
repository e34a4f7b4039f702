// What stands still: terrain shading, contours, zones, range rings, radar coverage, effectors.
import Feature from "ol/Feature";
import { LineString, Point, Polygon } from "ol/geom";
import type { Coordinate } from "ol/coordinate";
import ImageLayer from "ol/layer/Image";
import VectorLayer from "ol/layer/Vector";
import type { Projection } from "ol/proj";
import ImageCanvas from "ol/source/ImageCanvas";
import VectorSource from "ol/source/Vector";
import { Fill, Icon, Stroke, Style, Text } from "ol/style";
import type { Effector, Radar, Site, Terrain } from "../protocol";
import { warnings } from "../store";
import { colours } from "./colours";
import { contours, shade } from "./terrain";

const TURN = 2 * Math.PI;
const RINGS = [1000, 2000, 5000, 10000, 20000, 30000, 50000];
const SMALLEST_RING = 50; // pixels; smaller ones would only crowd the middle

/** Zones, drawn by state: warned ones filled and outlined double, those not acknowledged blinking with `beat`. */
export function zoneLayer(site: Site, beat: () => boolean): VectorLayer {
  const source = new VectorSource({
    features: site.zones.map((zone, i) => {
      const feature = new Feature(new Polygon([closed(zone.polygon)]));
      feature.setId(i);
      return feature;
    }),
  });
  return new VectorLayer({
    source,
    updateWhileAnimating: true,
    style: (feature) => {
      const c = colours(), i = feature.getId() as number, zone = site.zones[i]!;
      const warning = warnings.value.find((w) => w.zone === i);
      if (warning) {
        const quiet = !!warning.seen || warning.shelved !== null;
        return [
          new Style({ fill: new Fill({ color: quiet || beat() ? c.warnedFill : c.zoneFill }), stroke: new Stroke({ color: c.halo, width: 6 }), zIndex: 3 }),
          new Style({ stroke: new Stroke({ color: c.warned, width: 3, lineDash: quiet ? [] : [10, 5] }), zIndex: 4 }),
        ];
      }
      return new Style({
        fill: new Fill({ color: zone.kind === "runway" ? "rgba(128,140,152,0.45)" : c.zoneFill }),
        stroke: new Stroke({ color: zone.kind === "runway" ? c.runway : c.zone, width: zone.kind === "runway" ? 1.5 : 1, lineDash: zone.kind === "alert-zone" ? [6, 4] : [] }),
      });
    },
  });
}

/** Range rings about the origin with their radius written on them. */
export function ringLayer(): VectorLayer {
  const source = new VectorSource({
    features: RINGS.map((radius) => {
      const feature = new Feature(new LineString(arc([0, 0], radius, 0, TURN)));
      feature.set("label", `${radius / 1000} km`);
      feature.set("radius", radius);
      return feature;
    }),
  });
  return new VectorLayer({
    source,
    declutter: true,
    style: (feature, resolution) => {
      const c = colours();
      if ((feature.get("radius") as number) / resolution < SMALLEST_RING) return undefined;
      return new Style({
        stroke: new Stroke({ color: c.faint, width: 0.7, lineDash: [3, 5] }),
        text: new Text({
          text: feature.get("label") as string, placement: "line", font: "11px system-ui, sans-serif", fill: new Fill({ color: c.faint }),
          stroke: new Stroke({ color: c.halo, width: 3 }), overflow: false,
        }),
      });
    },
  });
}

/** Where each radar can look, by its books, and the radar itself. */
export function radarLayer(site: Site, states: () => number[]): VectorLayer {
  return equipmentLayer(site.radars, "radar", (i) => {
    const c = colours(), bad = (states()[i] ?? 0) !== 0;
    return { stroke: new Stroke({ color: bad ? c.warned : c.blue, width: 1.2, lineDash: bad ? [2, 6] : [12, 4] }), opacity: bad ? 0.5 : 1 };
  });
}

/** Simulated effectors with their reach; only where something is rehearsed. */
export function effectorLayer(site: Site): VectorLayer {
  return equipmentLayer(site.effectors, "effector", () => ({ stroke: new Stroke({ color: colours().green, width: 1.2, lineDash: [2, 4] }), opacity: 1 }));
}

function equipmentLayer(each: (Radar | Effector)[], symbol: string, look: (i: number) => { stroke: Stroke; opacity: number }): VectorLayer {
  const source = new VectorSource();
  each.forEach((one, i) => {
    const centre = one.place.slice(0, 2) as Coordinate;
    for (const geometry of [new Polygon([sector(centre, one.min, one.max, one.from, one.width)]), new Point(centre)]) {
      const feature = new Feature<Polygon | Point>(geometry);
      feature.set("index", i);
      source.addFeature(feature);
    }
  });
  return new VectorLayer({
    source,
    style: (feature) => {
      const { stroke, opacity } = look(feature.get("index") as number);
      return feature.getGeometry() instanceof Point ? new Style({ image: new Icon({ src: `symbols/${symbol}.svg`, scale: 0.4, opacity }) }) : new Style({ stroke });
    },
  });
}

/** The ground's shape, shaded, with a contour every `interval` metres chosen from how rough it is. */
export function terrainLayers(terrain: Terrain, heights: Float32Array, projection: Projection): { shading: ImageLayer<ImageCanvas>; lines: VectorLayer } {
  const extent = [
    terrain.east, terrain.north, terrain.east + terrain.step * (terrain.columns - 1), terrain.north + terrain.step * (terrain.rows - 1),
  ];
  const picture = { dark: shade(terrain, heights, false), light: shade(terrain, heights, true) };
  const source = new ImageCanvas({
    projection,
    ratio: 1,
    canvasFunction: (shown, resolution, pixelRatio, size) => {
      const canvas = document.createElement("canvas");
      canvas.width = Math.round(size[0]!);
      canvas.height = Math.round(size[1]!);
      const scale = pixelRatio / resolution, context = canvas.getContext("2d")!;
      context.imageSmoothingQuality = "high";
      context.drawImage(
        colours().ground === "#0e141b" ? picture.dark : picture.light,
        (extent[0]! - shown[0]!) * scale, (shown[3]! - extent[3]!) * scale, (extent[2]! - extent[0]!) * scale, (extent[3]! - extent[1]!) * scale,
      );
      return canvas;
    },
  });
  const lines = new VectorSource({
    features: contours(terrain, heights).map(({ line, height, main }) => {
      const feature = new Feature(new LineString(line));
      feature.set("height", height);
      feature.set("main", main);
      return feature;
    }),
  });
  return {
    shading: new ImageLayer({ source }),
    lines: new VectorLayer({
      source: lines,
      declutter: true,
      style: (feature) => {
        const c = colours(), main = feature.get("main") as boolean;
        return new Style({
          stroke: new Stroke({ color: c.faint, width: main ? 0.9 : 0.4 }),
          text: main
            ? new Text({
                text: String(feature.get("height")), placement: "line", font: "10px system-ui, sans-serif", fill: new Fill({ color: c.faint }),
                stroke: new Stroke({ color: c.halo, width: 2 }),
              })
            : undefined,
        });
      },
    }),
  };
}

/** A polygon's ring, its first corner again at the end. */
export const closed = (polygon: [number, number][]): Coordinate[] => [...polygon, polygon[0]!];

function arc(centre: Coordinate, radius: number, from: number, width: number): Coordinate[] {
  const pieces = Math.max(2, Math.ceil((width / TURN) * 180));
  return Array.from({ length: pieces + 1 }, (_, i) => {
    const azimuth = from + (width * i) / pieces; // clockwise from north
    return [centre[0]! + radius * Math.sin(azimuth), centre[1]! + radius * Math.cos(azimuth)];
  });
}

export function sector(centre: Coordinate, near: number, far: number, from: number, width: number): Coordinate[] {
  if (width >= TURN - 1e-6) return arc(centre, far, 0, TURN);
  const outer = arc(centre, far, from, width), inner = arc(centre, Math.max(near, 1), from, width).reverse();
  return [...outer, ...inner, outer[0]!];
}
