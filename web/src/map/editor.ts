// Editing zones by pointer: choose, drag corners, draw. The form beside the map does the same by keyboard.
import { effect } from "@preact/signals";
import Feature from "ol/Feature";
import type OlMap from "ol/Map";
import { Polygon } from "ol/geom";
import Draw from "ol/interaction/Draw";
import Modify from "ol/interaction/Modify";
import Snap from "ol/interaction/Snap";
import VectorLayer from "ol/layer/Vector";
import VectorSource from "ol/source/Vector";
import { Circle, Fill, Stroke, Style } from "ol/style";
import { add, centre, change, choose, draft, drawing } from "../editing";
import { colours } from "./colours";

/** Adds the draft of the zones to the map while there is one. Returns how to take it off again. */
export function editor(olMap: OlMap): () => void {
  const source = new VectorSource();
  const layer = new VectorLayer({
    source,
    zIndex: 10,
    style: (feature) => {
      const c = colours(), chosen = feature.getId() === draft.value?.chosen;
      return new Style({
        stroke: new Stroke({ color: chosen ? c.yellow : c.sky, width: chosen ? 3 : 1.5, lineDash: chosen ? [] : [5, 4] }),
        fill: new Fill({ color: chosen ? "rgba(240,228,66,0.22)" : "rgba(86,180,233,0.08)" }),
      });
    },
  });
  const handle = new Style({ image: new Circle({ radius: 6, fill: new Fill({ color: "#f0e442" }), stroke: new Stroke({ color: "#0b1016", width: 2 }) }) });
  const modify = new Modify({ source, style: handle }), draw = new Draw({ source: new VectorSource(), type: "Polygon" }), snap = new Snap({ source });
  let busy = false; // a change that came from the map need not be drawn on it again
  centre.at = () => (olMap.getView().getCenter() ?? [0, 0]) as [number, number];
  modify.on("modifyend", (event) => {
    busy = true;
    for (const feature of event.features.getArray()) change({ polygon: corners(feature.getGeometry() as Polygon) }, feature.getId() as number);
    busy = false;
    layer.changed();
  });
  draw.on("drawend", (event) => add(corners(event.feature.getGeometry() as Polygon)));
  const pick = olMap.on("singleclick", (event) => {
    if (!draft.value || drawing.value) return;
    const found = source.getFeaturesAtCoordinate(event.coordinate)[0];
    if (found) choose(found.getId() as number);
  });
  let shown = false, sketching = false;
  const stop = effect(() => {
    const d = draft.value, wanted = !!d;
    if (wanted !== shown) {
      if (wanted) {
        olMap.addLayer(layer);
        olMap.addInteraction(modify);
        olMap.addInteraction(snap);
      } else {
        olMap.removeLayer(layer);
        olMap.removeInteraction(modify);
        olMap.removeInteraction(snap);
      }
      shown = wanted;
    }
    const sketch = wanted && drawing.value;
    if (sketch !== sketching) {
      sketch ? olMap.addInteraction(draw) : olMap.removeInteraction(draw);
      modify.setActive(!sketch);
      sketching = sketch;
    }
    if (busy) return;
    source.clear();
    d?.zones.forEach((zone, i) => {
      if (zone.polygon.length < 3) return;
      const feature = new Feature(new Polygon([[...zone.polygon, zone.polygon[0]!]]));
      feature.setId(i);
      source.addFeature(feature);
    });
  });
  return () => {
    stop();
    olMap.un("singleclick", pick.listener as never);
  };
}

function corners(polygon: Polygon): [number, number][] {
  return polygon.getCoordinates()[0]!.slice(0, -1).map(([e, n]) => [Math.round(e! * 10) / 10, Math.round(n! * 10) / 10]);
}
