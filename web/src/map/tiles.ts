// Map tiles of a server the user named, turned from the web's projection into the site's plane. Without that name nothing is asked for.
import TileLayer from "ol/layer/Tile";
import { type Projection, addCoordinateTransforms, get } from "ol/proj";
import XYZ from "ol/source/XYZ";
import { type Origin, earth } from "./earth";

const of = (transform: (place: [number, number]) => [number, number]) => (place: number[]): number[] => transform(place as [number, number]);

export function tileLayer(url: string, projection: Projection, origin: Origin): TileLayer<XYZ> {
  const { toWeb, fromWeb, toDegrees, fromDegrees } = earth(origin);
  addCoordinateTransforms(projection, get("EPSG:3857")!, of(toWeb), of(fromWeb));
  addCoordinateTransforms(projection, get("EPSG:4326")!, of(toDegrees), of(fromDegrees));
  return new TileLayer({ source: new XYZ({ url, projection: "EPSG:3857", maxZoom: 19 }) });
}
