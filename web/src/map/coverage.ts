// Draws what the radars see at the chosen height: filled and outlined, so that no colour is needed to tell it from what they do not see.
import { effect } from "@preact/signals";
import Feature from "ol/Feature";
import { Polygon } from "ol/geom";
import VectorLayer from "ol/layer/Vector";
import VectorSource from "ol/source/Vector";
import { Fill, Stroke, Style } from "ol/style";
import { cover, covered, edited } from "../coverage";
import { draft } from "../editing";
import { colours } from "./colours";

export function coverageLayer(): { layer: VectorLayer; stop: () => void } {
  const source = new VectorSource();
  const layer = new VectorLayer({
    source,
    style: () => {
      const c = colours();
      return new Style({ fill: new Fill({ color: c.seenFill }), stroke: new Stroke({ color: c.seen, width: 1.6 }) });
    },
  });
  const stop = effect(() => {
    const { height, radar } = cover.value;
    const found = draft.value && edited.value?.height === height ? edited.value : covered.value;
    source.clear();
    if (!height || !found) return;
    const seen = radar ? (found.radars.find((each) => each.name === radar)?.seen ?? []) : found.all;
    source.addFeatures(seen.map((rings) => new Feature(new Polygon(rings))));
  });
  return { layer, stop };
}
