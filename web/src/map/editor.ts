// Editing by pointer: choose, drag a zone's corners, drag a radar or an effector, draw or place a new one. The form beside the map does the same by keyboard.
import { effect } from "@preact/signals";
import Feature from "ol/Feature";
import type OlMap from "ol/Map";
import { Point, Polygon } from "ol/geom";
import DoubleClickZoom from "ol/interaction/DoubleClickZoom";
import Draw from "ol/interaction/Draw";
import Modify from "ol/interaction/Modify";
import Snap from "ol/interaction/Snap";
import Translate from "ol/interaction/Translate";
import VectorLayer from "ol/layer/Vector";
import VectorSource from "ol/source/Vector";
import { Circle, Fill, Icon, Stroke, Style, Text } from "ol/style";
import { type Equipment, type Place, add, centre, change, choose, draft, drawing, move, placeOf } from "../editing";
import { theme } from "../store";
import { colours } from "./colours";
import { closed, sector } from "./ground";

type Owner = { kind: "radars" | "effectors"; index: number };

/** Adds the draft to the map while there is one. Returns how to take it off again. */
export function editor(olMap: OlMap): () => void {
  const zones = new VectorSource(), reaches = new VectorSource(), masts = new VectorSource();
  const chosen = (feature: { get: (key: string) => unknown }): boolean => {
    const d = draft.value;
    return d?.kind === feature.get("kind") && d?.chosen === feature.get("index");
  };
  const outline = (feature: { get: (key: string) => unknown }, filled: boolean): Style => {
    const c = colours(), mine = chosen(feature);
    return new Style({
      stroke: new Stroke({ color: mine ? c.chosen : c.draft, width: mine ? 3 : 1.5, lineDash: mine ? [] : [5, 4] }),
      fill: filled ? new Fill({ color: mine ? c.chosenFill : c.draftFill }) : undefined,
      text: filled ? label(feature, mine, 0) : undefined,
      zIndex: mine ? 1 : 0,
    });
  };
  const label = (feature: { get: (key: string) => unknown }, mine: boolean, offsetY: number): Text => {
    const c = colours();
    return new Text({
      text: String(feature.get("name") ?? ""), offsetY, font: `${mine ? "600 12px" : "11px"} system-ui, sans-serif`, fill: new Fill({ color: mine ? c.chosen : c.zone }),
      stroke: new Stroke({ color: c.halo, width: 3 }), overflow: true,
      declutterMode: mine ? "obstacle" : "declutter", // the chosen one's name always stands
    });
  };
  const layers = [
    new VectorLayer({ source: reaches, zIndex: 10, style: (feature) => outline(feature, false) }),
    new VectorLayer({ source: zones, zIndex: 11, declutter: true, style: (feature) => outline(feature, true) }),
    new VectorLayer({
      source: masts,
      zIndex: 12,
      declutter: true,
      style: (feature) => {
        const c = colours(), mine = chosen(feature), symbol = feature.get("kind") === "radars" ? "radar" : "effector";
        return [
          new Style({ image: new Circle({ declutterMode: "obstacle", radius: 17, stroke: new Stroke({ color: mine ? c.chosen : c.draft, width: mine ? 3 : 1.5 }), fill: new Fill({ color: c.draftFill }) }) }),
          new Style({
            image: new Icon({ src: `symbols/${symbol}.svg`, scale: 0.4, declutterMode: "obstacle" }),
            text: label(feature, mine, 27),
          }),
        ];
      },
    }),
  ];
  const handle = new Style({ image: new Circle({ radius: 6, fill: new Fill({ color: "#f0e442" }), stroke: new Stroke({ color: "#0b1016", width: 2 }) }) });
  let pointed = false; // before the pointer has been over the map there is nothing to take hold of
  const modify = new Modify({ source: zones, style: () => (pointed ? handle : undefined) }), drag = new Translate({ layers: [layers[2]!], hitTolerance: 6 });
  const draw = new Draw({ source: new VectorSource(), type: "Polygon" }), spot = new Draw({ source: new VectorSource(), type: "Point" });
  const snap = new Snap({ source: zones });
  const always = [modify, drag, snap];
  let busy = false; // a change that came from the map need not be drawn on it again
  centre.at = () => (olMap.getView().getCenter() ?? [0, 0]) as Place;
  modify.on("modifyend", (event) => {
    busy = true;
    for (const feature of event.features.getArray()) change({ polygon: corners(feature.getGeometry() as Polygon) }, feature.get("index") as number);
    busy = false;
    layers[1]!.changed();
  });
  drag.on("translateend", (event) => {
    for (const mast of event.features.getArray()) {
      const kind = mast.get("kind") as Owner["kind"], index = mast.get("index") as number;
      move((mast.getGeometry() as Point).getCoordinates() as Place, kind, index);
      choose(index, kind);
    }
  });
  draw.on("drawend", (event) => add(corners(event.feature.getGeometry() as Polygon)));
  spot.on("drawend", (event) => add((event.feature.getGeometry() as Point).getCoordinates() as Place));
  const pick = olMap.on("singleclick", (event) => {
    if (!draft.value || drawing.value) return;
    const mast = olMap.getFeaturesAtPixel(event.pixel, { layerFilter: (layer) => layer === layers[2], hitTolerance: 6 })[0];
    const found = mast ?? zones.getFeaturesAtCoordinate(event.coordinate)[0];
    if (found) choose(found.get("index") as number, found.get("kind"));
  });
  olMap.on("pointermove", () => (pointed = true));
  let shown = false, sketching: Draw | null = null;
  const stop = effect(() => {
    const d = draft.value;
    theme.value;
    if (!!d !== shown) {
      shown = !!d;
      for (const layer of layers) shown ? olMap.addLayer(layer) : olMap.removeLayer(layer);
      for (const part of always) shown ? olMap.addInteraction(part) : olMap.removeInteraction(part);
    }
    const sketch = d && drawing.value ? (d.kind === "zones" ? draw : spot) : null;
    if (sketch !== sketching) {
      if (sketching) olMap.removeInteraction(sketching);
      if (sketch) olMap.addInteraction(sketch);
      modify.setActive(!sketch);
      drag.setActive(!sketch);
      const zoom = olMap.getInteractions().getArray().find((part) => part instanceof DoubleClickZoom);
      sketch ? zoom?.setActive(false) : setTimeout(() => zoom?.setActive(!drawing.value), 300); // the double click that ends a zone is not for it
      sketching = sketch;
    }
    if (busy) return;
    for (const source of [zones, reaches, masts]) source.clear();
    d?.zones.forEach((zone, index) => {
      if (zone.polygon.length >= 3) zones.addFeature(made(new Polygon([closed(zone.polygon)]), "zones", index, zone.name));
    });
    for (const kind of ["radars", "effectors"] as const)
      d?.[kind].forEach((each, index) => {
        const place = placeOf(each);
        reaches.addFeature(made(reach(each, place), kind, index));
        masts.addFeature(made(new Point(place), kind, index, each.values.name));
      });
  });
  return () => {
    stop();
    olMap.un("singleclick", pick.listener as never);
  };
}

function made(geometry: Polygon | Point, kind: string, index: number, name?: unknown): Feature {
  const feature = new Feature<Polygon | Point>(geometry);
  feature.setProperties({ kind, index, name });
  return feature;
}

/** How far it reaches, by what its file says. */
function reach({ values }: Equipment, place: Place): Polygon {
  const said = (key: string, otherwise: number): number => (typeof values[key] === "number" ? (values[key] as number) : otherwise);
  const near = said("range_min_m", said("reach_min_m", 0)), far = said("range_max_m", said("reach_max_m", 0));
  const radians = Math.PI / 180, from = said("azimuth_from_deg", 0) * radians, width = Math.min(360, Math.max(0, said("azimuth_width_deg", 360))) * radians;
  return new Polygon([sector(place, near, Math.max(near, far, 1), from, width)]);
}

function corners(polygon: Polygon): Place[] {
  return polygon.getCoordinates()[0]!.slice(0, -1).map(([e, n]) => [Math.round(e! * 10) / 10, Math.round(n! * 10) / 10]);
}
