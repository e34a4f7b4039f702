// Between the site's plane and the earth: WGS-84 and the web's map projection, exact, so that tiles lie where the zones do.
// The server's kernels/geometry/earth.py says the same; a browser test compares the two.

export interface Origin { latitude: number; longitude: number; elevation: number } // [rad], [rad], above mean sea level [m]
type Pair = [number, number];

const A = 6378137, F = 1 / 298.257223563, E2 = F * (2 - F); // WGS-84
const WEB = A * Math.PI; // half the width of the web's map [m]

/** Both ways between east, north on the plane of `origin` [m] and longitude, latitude [deg]. */
export function earth(origin: Origin) {
  const [sinLat, cosLat] = [Math.sin(origin.latitude), Math.cos(origin.latitude)], [sinLon, cosLon] = [Math.sin(origin.longitude), Math.cos(origin.longitude)];
  const zero = toCentre(origin.latitude, origin.longitude, origin.elevation);
  const toPlane = (lat: number, lon: number, height: number): [number, number, number] => {
    const [x, y, z] = toCentre(lat, lon, height).map((v, i) => v - zero[i]!) as [number, number, number];
    return [-sinLon * x + cosLon * y, -sinLat * cosLon * x - sinLat * sinLon * y + cosLat * z, cosLat * cosLon * x + cosLat * sinLon * y + sinLat * z];
  };

  /** What stands on the plane at east, north, or straight above or below it. */
  const toDegrees = ([e, n]: Pair): Pair => {
    const x = zero[0] - sinLon * e - sinLat * cosLon * n, y = zero[1] + cosLon * e - sinLat * sinLon * n, z = zero[2] + cosLat * n;
    const p = Math.hypot(x, y);
    let lat = Math.atan2(z, p * (1 - E2));
    for (let i = 0; i < 4; i++) {
      const normal = A / Math.sqrt(1 - E2 * Math.sin(lat) ** 2);
      lat = Math.atan2(z + E2 * normal * Math.sin(lat), p);
    }
    return [degrees(Math.atan2(y, x)), degrees(lat)];
  };

  /** Where on the plane the vertical of a longitude and latitude meets it. */
  const fromDegrees = ([lon, lat]: Pair): Pair => {
    let height = origin.elevation, e = 0, n = 0, up = 0;
    for (let i = 0; i < 4; i++) {
      [e, n, up] = toPlane(radians(lat), radians(lon), height);
      height -= up;
    }
    return [e, n];
  };

  /** Where the site's file puts a longitude and latitude: at the origin's height above the sea, looked at from straight above the plane. */
  const fromFile = ([lon, lat]: Pair): Pair => toPlane(radians(lat), radians(lon), origin.elevation).slice(0, 2) as Pair;

  /** Longitude and latitude that the site's file reads as this place. */
  const toFile = (wanted: Pair): Pair => {
    let aim = wanted;
    for (let i = 0; i < 3; i++) {
      const found = fromFile(toDegrees(aim));
      aim = [aim[0] + wanted[0] - found[0], aim[1] + wanted[1] - found[1]];
    }
    return toDegrees(aim);
  };
  return {
    toDegrees, fromDegrees, fromFile, toFile,
    toWeb: (place: Pair): Pair => web(toDegrees(place)),
    fromWeb: (place: Pair): Pair => fromDegrees(unweb(place)),
  };
}

/** Longitude, latitude [deg] to EPSG:3857 [m]. */
const web = ([lon, lat]: Pair): Pair => [(WEB * lon) / 180, A * Math.log(Math.tan(Math.PI / 4 + radians(lat) / 2))];
const unweb = ([x, y]: Pair): Pair => [(180 * x) / WEB, degrees(2 * Math.atan(Math.exp(y / A)) - Math.PI / 2)];
const degrees = (angle: number): number => (angle * 180) / Math.PI;
const radians = (angle: number): number => (angle * Math.PI) / 180;

/** Earth-centred coordinates [m] of a latitude and longitude [rad] and a height [m]. */
function toCentre(lat: number, lon: number, height: number): [number, number, number] {
  const normal = A / Math.sqrt(1 - E2 * Math.sin(lat) ** 2);
  return [(normal + height) * Math.cos(lat) * Math.cos(lon), (normal + height) * Math.cos(lat) * Math.sin(lon), (normal * (1 - E2) + height) * Math.sin(lat)];
}
