// The map: layers in order, and what hands can do with it.
import { effect, signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import OlMap from "ol/Map";
import View from "ol/View";
import { defaults as keyboardAndMouse } from "ol/interaction/defaults";
import type Layer from "ol/layer/Layer";
import { Projection } from "ol/proj";
import { metres, place } from "../format";
import type { Site } from "../protocol";
import { alarming, frame, hello, layers, ruler, selected, stale, still, tab, theme, warnings } from "../store";
import { texts } from "../texts";
import { coverageLayer } from "./coverage";
import { effectorLayer, radarLayer, ringLayer, terrainLayers, zoneLayer } from "./ground";
import { explain } from "../explaining";
import { draft } from "../editing";
import { editor } from "./editor";
import { loadSymbols, movingLayer, remember, trackAt } from "./moving";
import { tileLayer } from "./tiles";

const REACH = 60_000; // half the side of the square one can pan in [m]
const MARGIN = 1500; // around the zones when they are fitted [m]
const projection = new Projection({ code: "site", units: "m", extent: [-REACH, -REACH, REACH, REACH] });

/** A round length of the ground and how long it is drawn, for the bar at the map's edge. */
export const scale = signal({ metres: 0, pixels: 0 });
const LONGEST_BAR = 110; // pixels

/** What other parts of the page may ask of the map. */
export const map = {
  fit: () => {},
  fitAll: () => {},
  zoom: (_by: number) => {},
  rule: () => {},
  focus: () => {},
};

export function SiteMap() {
  const target = useRef<HTMLDivElement>(null);
  const readout = useRef<HTMLDivElement>(null);
  const line = useRef<SVGSVGElement>(null);
  useEffect(() => {
    if (hello.value) return build(target.current!, readout.current!, line.current!, hello.value.site);
  }, [hello.value?.server]);
  return (
    <section class="map" aria-label={texts.map}>
      <div class="canvas" ref={target} tabIndex={0} role="application" aria-label={texts.map} />
      <svg class="ruler" ref={line} aria-hidden="true">
        <line />
        <text />
      </svg>
      {(ruler.value || draft.value) && <div class="cross" aria-hidden="true" />}
      <div class="readout" ref={readout} aria-live={ruler.value ? "polite" : "off"} />
    </section>
  );
}

function build(target: HTMLDivElement, readout: HTMLDivElement, overlay: SVGSVGElement, site: Site): () => void {
  let beat = true;
  const zones = zoneLayer(site, () => beat), moving = movingLayer();
  const radars = radarLayer(site, () => frame.value?.health.radars ?? []);
  const coverage = coverageLayer();
  const named: Record<string, Layer> = { rings: ringLayer(), radars, effectors: effectorLayer(site) };
  const olMap = new OlMap({
    target,
    controls: [],
    interactions: keyboardAndMouse({ altShiftDragRotate: false, pinchRotate: false }), // north is up, always
    layers: [coverage.layer, named.rings!, radars, named.effectors!, zones, moving],
    view: new View({ projection, center: [0, 0], resolution: 20, minResolution: 0.5, maxResolution: 120, extent: projection.getExtent(), showFullExtent: true }),
  });
  const tiles = hello.value?.tiles;
  if (tiles) {
    named.tiles = tileLayer(tiles, projection, site.origin);
    olMap.getLayers().insertAt(0, named.tiles);
  }
  const view = olMap.getView();
  olMap.updateSize();
  const fit = (extent: number[]) => view.fit(extent, { padding: [20, 20, 40, 20] });
  map.fit = () => fit(zoneExtent(site));
  map.fitAll = () => fit(everything(site));
  map.focus = () => target.focus();
  map.zoom = (by) => view.animate({ zoom: (view.getZoom() ?? 0) + by, duration: still.matches ? 0 : 150 });
  map.fit();
  loadSymbols(() => moving.changed());
  void terrain(olMap, site, named);

  const stops = [
    effect(() => {
      if (frame.value) remember(frame.value);
      stale.value;
      selected.value;
      tab.value;
      moving.changed();
    }),
    effect(() => {
      warnings.value.map((w) => `${w.zone}${w.seen}${w.shelved}`).join();
      zones.changed();
    }),
    effect(() => {
      (frame.value?.health.radars ?? []).join();
      radars.changed();
    }),
    effect(() => {
      const dark = theme.value === "dark", shown: Record<string, boolean> = layers.value, editing = !!draft.value;
      for (const [name, layer] of Object.entries(named)) {
        layer.setVisible(!!shown[name] && !(editing && (name === "radars" || name === "effectors"))); // the editor draws these itself
        layer.getSource()?.changed();
      }
      named.tiles?.setOpacity(dark ? 0.45 : 0.7);
      named.terrain?.setOpacity(named.tiles && shown.tiles ? 0.4 : 1); // both: the tiles shine through
      coverage.layer.changed();
      zones.changed();
      moving.changed();
    }),
    coverage.stop,
    rulerOf(olMap, overlay, readout),
    editor(olMap),
  ];
  const blink = window.setInterval(() => {
    if (!alarming.value.length || still.matches) {
      if (!beat) zones.changed();
      beat = true;
    } else {
      beat = !beat;
      zones.changed();
    }
  }, 250);
  olMap.on("singleclick", (event) => {
    if (ruler.value || draft.value) return;
    const track = trackAt(event.pixel as [number, number], (p) => olMap.getPixelFromCoordinate(p));
    selected.value = track;
    if (track !== null) return;
    const zone = zones.getSource()!.getFeaturesAtCoordinate(event.coordinate)[0];
    if (zone) explain(zone.getId() as number);
  });
  const measure = (): void => {
    const resolution = view.getResolution()!, most = LONGEST_BAR * resolution, power = 10 ** Math.floor(Math.log10(most));
    const length = [5, 2, 1].map((n) => n * power).find((n) => n <= most)!;
    scale.value = { metres: length, pixels: Math.round(length / resolution) };
  };
  measure();
  view.on("change:resolution", measure);
  olMap.on("pointermove", (event) => {
    const [x, y] = event.coordinate as [number, number];
    if (!ruler.value) readout.textContent = `${place(x, y)}   ${bearing(x, y)}`;
  });
  return () => {
    clearInterval(blink);
    stops.forEach((stop) => stop());
    olMap.setTarget(undefined);
  };
}

async function terrain(olMap: OlMap, site: Site, named: Record<string, Layer>): Promise<void> {
  if (!site.terrain) return;
  const answer = await fetch("api/terrain");
  if (!answer.ok) return;
  const { shading, lines } = terrainLayers(site.terrain, new Float32Array(await answer.arrayBuffer()), projection);
  named.terrain = shading;
  named.contours = lines;
  const first = named.tiles ? 1 : 0;
  olMap.getLayers().insertAt(first, shading);
  olMap.getLayers().insertAt(first + 1, lines);
  layers.value = { ...layers.value };
}

/** Two clicks, or Enter twice at the middle: distance and bearing between. */
function rulerOf(olMap: OlMap, overlay: SVGSVGElement, readout: HTMLDivElement): () => void {
  let ends: [number, number][] = [];
  const draw = (to?: [number, number]): void => {
    const points = to && ends.length === 1 ? [...ends, to] : ends;
    overlay.classList.toggle("shown", ruler.value && points.length === 2);
    if (points.length < 2) return;
    const [a, b] = points.map((p) => olMap.getPixelFromCoordinate(p)) as [number[], number[]];
    const [drawn, label] = [overlay.querySelector("line")!, overlay.querySelector("text")!];
    for (const [name, value] of [["x1", a[0]], ["y1", a[1]], ["x2", b[0]], ["y2", b[1]]] as const) drawn.setAttribute(name, String(value));
    label.setAttribute("x", String((a[0]! + b[0]!) / 2 + 8));
    label.setAttribute("y", String((a[1]! + b[1]!) / 2 - 8));
    const text = bearing(points[1]![0] - points[0]![0], points[1]![1] - points[0]![1]);
    label.textContent = text;
    readout.textContent = `${texts.ruler}: ${text}`;
  };
  const add = (p: [number, number]): void => {
    if (!ruler.value) return;
    ends = ends.length === 2 ? [p] : [...ends, p];
    draw();
  };
  map.rule = () => add(olMap.getView().getCenter() as [number, number]);
  olMap.on("singleclick", (event) => add(event.coordinate as [number, number]));
  olMap.on("pointermove", (event) => {
    if (ruler.value && ends.length === 1) draw(event.coordinate as [number, number]);
  });
  olMap.on("postrender", () => {
    if (ends.length === 2) draw();
  });
  return effect(() => {
    if (ruler.value) readout.textContent = texts.ruler_hint;
    else {
      ends = [];
      overlay.classList.remove("shown");
      readout.textContent = "";
    }
  });
}

function bearing(east: number, north: number): string {
  const angle = ((Math.atan2(east, north) * 180) / Math.PI + 360) % 360;
  return `${metres(Math.hypot(east, north))} ${angle.toFixed(0).padStart(3, "0")}°`;
}

function zoneExtent(site: Site): number[] {
  const all = site.zones.flatMap((zone) => zone.polygon);
  return bounds(all.length ? all : site.radars.map((r) => [r.place[0], r.place[1]] as [number, number]), MARGIN);
}

function everything(site: Site): number[] {
  const tracks = frame.value?.tracks;
  const places = tracks ? tracks.id.map((_, i) => [tracks.x[i]!, tracks.y[i]!] as [number, number]) : [];
  return bounds([...site.zones.flatMap((zone) => zone.polygon), ...places], 500);
}

function bounds(places: [number, number][], margin: number): number[] {
  const east = places.map((p) => p[0]), north = places.map((p) => p[1]);
  return places.length
    ? [Math.min(...east) - margin, Math.min(...north) - margin, Math.max(...east) + margin, Math.max(...north) + margin]
    : [-5000, -5000, 5000, 5000];
}
