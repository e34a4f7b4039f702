"""One terrain tile, DTED, SRTM .hgt or GeoTIFF: opened as that and nothing else, its heights in
metres above mean sea level, voids unknown.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError, ProjError
from pyproj.transformer import AreaOfInterest

from skywarden.files.first_look import BINARY, EMPTY, HEAD, MARKUP, UNNAMED, look
from skywarden.site.model import Array

# Drivers by the suffix of the file: the content never chooses one, so that no tile can name another file or an address.
DRIVERS = {
    ".dt0": "DTED", ".dt1": "DTED", ".dt2": "DTED", ".hgt": "SRTMHGT", ".tif": "GTiff", ".tiff": "GTiff",
}
# Settings under which tiles are opened: nothing beside the file itself is read, nothing is asked of a network.
ALONE = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR", "GDAL_PAM_ENABLED": "NO", "GDAL_GEOREF_SOURCES": "INTERNAL",
    "PROJ_NETWORK": "OFF",
    "GTIFF_REPORT_COMPD_CS": "YES", "GDAL_NUM_THREADS": "1", "GDAL_CACHEMAX": 64 * 2**20,
    "GDAL_TIFF_INTERNAL_MASK": "YES",
}
TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")       # beginnings of a TIFF file, small or big
# beginnings of a DTED file, with and without the labels of a tape
DTED = (b"UHL1", b"HDR1", b"VOL1")
LOWEST, HIGHEST = -500.0, 9000.0        # heights of ground on earth [m]; what lies outside is a void
MOST_PIXELS = 4_000_000                 # pixels of one window
LARGEST_BLOCK = 256 * 2**20             # bytes that a file may make us unpack at once
# height [m] below which, but for exact zeros, nothing lies: the zeros are voids then
ABRUPT = 300.0
# raw values that mark a void where a scale would make heights of them
VOIDS = (-32768.0, -32767.0, -9999.0, -99999.0, -999.0, 32767.0, 65535.0)
# difference of an ellipsoid's half axis from WGS-84's [m] and of 1/f up to which an unknown datum is taken for it
MOST_LIKE_WGS84 = 1e-3

# Factors to metres, by the unit's name in lower case.
UNITS = {
    **dict.fromkeys(("", "m", "metre", "metres", "meter", "meters", "metre(s)", "meter(s)"), 1.0),
    **dict.fromkeys(("ft", "foot", "feet", "international foot", "international feet", "foot_intl", "ft-int"), 0.3048),
    **dict.fromkeys(("us survey foot", "us survey feet", "survey foot", "us-ft", "ftus", "us-foot", "foot_us", "sft",
        "us foot"), 1200.0 / 3937.0),
    **dict.fromkeys(("dm", "decimetre", "decimeter"), 0.1), **dict.fromkeys(("cm", "centimetre", "centimeter",
        "centimetres", "centimeters"), 0.01),
    **dict.fromkeys(("mm", "millimetre", "millimeter"), 0.001), **dict.fromkeys(("km", "kilometre", "kilometer"),
        1000.0),
}


class TileError(Exception):
    """What is wrong with a tile, and what to do about it."""

    def __init__(self, what: str, do: str) -> None:
        super().__init__(what)
        self.what, self.do = what, do


def heights(
    tile: Path, latitude: Array, longitude: Array, wanted: Array
) -> tuple[Array, tuple[float, float, float, float] | None]:
    """Heights above mean sea level [m] of a grid of places, bilinear between the tile's posts.

    latitude, longitude, wanted  (rows, columns) [deg], [deg], bool: places that are asked for

    Returns (rows, columns), nan where the tile knows nothing or is not asked, and the tile's own
    bounds (west, south, east, north) in its own coordinates where no wanted place lies in it. Only
    the windows that the places need are read. Raises TileError.
    """
    import rasterio
    from rasterio.errors import RasterioError

    driver = _driver(tile)
    found = np.full(latitude.shape, np.nan)
    try:
        with _alone(), rasterio.open(tile.absolute(), driver=driver) as data:
            read = _Band(data)
            x, y = read.places(latitude, longitude)
            inverse = ~data.transform
            column = inverse.a * x + inverse.b * y + inverse.c - 0.5
            row = inverse.d * x + inverse.e * y + inverse.f - 0.5
            with np.errstate(invalid="ignore"):
                inside = wanted & (column >= -0.5) & (column <= data.width - 0.5) & (row >= -0.5) & (row <= data.height
                    - 0.5)
            for part in _parts(inside, row, column):
                at = np.flatnonzero(inside[part])
                values = read.heights(row[part].ravel()[at], column[part].ravel()[at])
                found[part] = _put(found[part], at, values)
            bounds = None if inside.any() else (data.bounds.left, data.bounds.bottom, data.bounds.right,
                data.bounds.top)
    except (RasterioError, OSError, ValueError, MemoryError, ArithmeticError) as error:
        said = str(error).strip().splitlines()
        raise TileError(f"cannot be read as {driver}: {said[0][:200] if said else type(error).__name__}",
            "Check that the file is whole.") from None
    return found, bounds


def _put(block: Array, at: Array, values: Array) -> Array:
    """A block with other values at flat places; the block handed in stays as it is."""
    flat = block.ravel().copy()
    flat[at] = values
    return flat.reshape(block.shape)


def _driver(tile: Path) -> str:
    """The driver of a tile by its suffix. Raises TileError where it is no regular file of that
    kind.
    """
    driver = DRIVERS.get(tile.suffix.lower())
    if driver is None:
        raise TileError("is not a terrain tile", f"Name a file ending in {', '.join(DRIVERS)}.")
    try:
        if not tile.is_file():
            raise TileError("is no file", "Check the name; it is taken from the site's folder.")
        with tile.open("rb") as file:
            head = file.read(HEAD)
    except (OSError, ValueError) as error:
        raise TileError(f"cannot be read: {getattr(error, 'strerror', None) or error}",
            "Check the file and your permission.") from None
    right = {"GTiff": TIFF, "DTED": DTED, "SRTMHGT": (b"",)}[driver]
    seen = look(head)
    wrapped = driver == "SRTMHGT" and (head.startswith(TIFF) or (seen.kind in (BINARY, MARKUP)
        and seen.name != UNNAMED))
    if wrapped or not head.startswith(right):
        plain = seen.encoding and seen.kind not in (MARKUP, EMPTY)
        called = "a GeoTIFF" if head.startswith(TIFF) else "text" if plain else seen.name
        do = seen.do if seen.kind == BINARY and not head.startswith(TIFF) else "Give it the suffix of what it is."
        raise TileError(f"is {called}, which its suffix does not say",
            f"Only GeoTIFF, DTED and SRTM .hgt are opened, each by its own suffix. {do}")
    return driver


@contextmanager
def _alone() -> Iterator[None]:
    """The settings under which tiles are opened; warnings of places that are not said become errors
    of ours.
    """
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning

    with rasterio.Env(**ALONE), warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        yield


def _parts(inside: Array, row: Array, column: Array) -> Iterator[tuple[slice, slice]]:
    """The grid in blocks whose places need a window of at most MOST_PIXELS; blocks without a place
    are left out.
    """
    todo = [(0, inside.shape[0], 0, inside.shape[1])]
    while todo:
        a, b, c, d = todo.pop()
        block = (slice(a, b), slice(c, d))
        here = inside[block]
        if not here.any():
            continue
        rows, columns = row[block][here], column[block][here]
        if (np.ptp(rows) + 3.0) * (np.ptp(columns) + 3.0) <= MOST_PIXELS or here.size == 1:
            yield block
        elif b - a >= d - c:
            todo += [(a, (a + b) // 2, c, d), ((a + b) // 2, b, c, d)]
        else:
            todo += [(a, b, c, (c + d) // 2), (a, b, (c + d) // 2, d)]


class _Band:
    """The heights of an open tile: what it says of place, unit, scale and voids, checked once."""

    def __init__(self, data: Any) -> None:
        self._data = data
        if data.crs is None or data.transform.is_identity:
            raise TileError("does not say where on earth it lies",
                "Give it a coordinate system (gdal_edit, gdalwarp), or take another file.")
        if not (np.isfinite(data.transform.determinant) and data.transform.determinant != 0.0):
            raise TileError("gives its pixels no width or no height on earth",
                "Give it the place and size of its pixels (gdal_edit, gdalwarp), or take another file.")
        _height_band(data)
        self._crs = _crs_of(data)
        self._flat, vertical = _parted(self._crs)
        self._factor = _metres(data.units[0] or "", vertical)
        if data.driver == "DTED":
            _dted_datums(data.tags())
        scale, offset = float(data.scales[0]), float(data.offsets[0])
        if not (np.isfinite(scale) and np.isfinite(offset) and scale != 0.0):
            raise TileError(f"has the scale {scale:g} and the offset {offset:g}",
                "Write it again with heights in metres.")
        self._scale, self._offset = scale, offset

    def places(self, latitude: Array, longitude: Array) -> tuple[Array, Array]:
        """Coordinates of places [deg] in the tile's own system; inf where it has none."""
        if self._flat.equals(CRS.from_epsg(4326), ignore_axis_order=True):
            middle = 0.5 * (self._data.bounds.left + self._data.bounds.right)
            return middle + (longitude - middle + 180.0) % 360.0 - 180.0, latitude
        x, y = _transformer(self._flat, latitude, longitude).transform(longitude, latitude)
        return np.asarray(x, np.float64), np.asarray(y, np.float64)

    def heights(self, row: Array, column: Array) -> Array:
        """Heights [m] at places (n,) in pixels from the middle of the first one, nan where one of
        the posts around is a void.
        """
        rows, columns = self._data.height, self._data.width
        c, r = np.clip(column, 0.0, columns - 1.0), np.clip(row, 0.0, rows - 1.0)
        west, north = int(c.min()), int(r.min())
        window = ((north, min(int(r.max()) + 2, rows)), (west, min(int(c.max()) + 2, columns)))
        band = self._marked(self._data.read(1, window=window, masked=True))
        i, j = np.floor(c).astype(int), np.floor(r).astype(int)
        fc, fr = c - i, r - j
        i, j = i - west, j - north
        i1, j1 = np.minimum(i + 1, band.shape[1] - 1), np.minimum(j + 1, band.shape[0] - 1)
        value = np.zeros(c.shape)
        for weight, post in (((1 - fr) * (1 - fc), band[j, i]), ((1 - fr) * fc, band[j, i1]),
                (fr * (1 - fc), band[j1, i]), (fr * fc, band[j1, i1])):
            # a void beside a post that is met exactly does not count
            value += np.where(weight > 0.0, weight * post, 0.0)
        return value

    def _marked(self, raw: Any) -> Array:
        """Heights [m] of what was read, nan where it is masked, a void that nobody declared, or no
        height on earth.
        """
        values = np.ma.getdata(raw).astype(np.float64)
        void = np.ma.getmaskarray(raw) | ~np.isfinite(values)
        if self._scale != 1.0 or self._offset != 0.0:
            void |= np.isin(values, VOIDS)
        with np.errstate(over="ignore", invalid="ignore"):
            height = (values * self._scale + self._offset) * self._factor
            void |= ~((height >= LOWEST) & (height <= HIGHEST))
        zero = (values == 0.0) & ~void
        if zero.any() and not zero.all():
            rest = np.abs(height[~zero & ~void])
            void |= zero & (rest.size > 0 and rest.min() > ABRUPT)
        return np.where(void, np.nan, height)


def _height_band(data: Any) -> None:
    """Raises TileError where the first band is no height: a picture, complex numbers, blocks too
    large to unpack.
    """
    colours = [colour.name for colour in data.colorinterp]
    if colours[0] in ("red", "palette", "hue", "cyan", "YCbCr_Y") or (data.count >= 3 and data.dtypes[0] == "uint8"):
        raise TileError(f"is a picture ({', '.join(colours[:4])}), not a tile of heights",
            "Take the elevation model itself, a single band of heights.")
    if np.dtype(data.dtypes[0]).kind not in "iuf":
        raise TileError(f"holds {data.dtypes[0]} numbers, no heights",
            "Write it as 16-bit integers or 32-bit floating point.")
    height, width = data.block_shapes[0]
    size = height * width * np.dtype(data.dtypes[0]).itemsize * (data.count if data.interleaving
        and data.interleaving.name == "pixel" else 1)
    if size > LARGEST_BLOCK:
        raise TileError(f"is stored in pieces of {size / 2**20:.0f} MiB",
            "Store it in tiles: gdal_translate -co TILED=YES.")


def _crs_of(data: Any) -> CRS:
    try:
        return CRS.from_wkt(data.crs.to_wkt())
    except (CRSError, ValueError, AttributeError):
        raise TileError("has a coordinate system that is not understood",
            "Write it again in WGS-84 (gdalwarp -t_srs EPSG:4326).") from None


def _parted(crs: CRS) -> tuple[CRS, CRS | None]:
    """The horizontal part of a coordinate system, and what it says of heights. Raises TileError
    where they are none above the sea.
    """
    while crs.is_bound and crs.source_crs is not None:
        crs = crs.source_crs
    vertical = None
    if crs.is_compound:
        crs, vertical = crs.sub_crs_list[0], crs.sub_crs_list[1]
        while vertical.is_bound and vertical.source_crs is not None:
            vertical = vertical.source_crs
    ellipsoidal = (crs.is_geographic or crs.is_projected) and len(crs.axis_info) == 3
    if vertical is not None:
        axis = vertical.axis_info[0] if vertical.axis_info else None
        if axis is not None and axis.direction == "down":
            raise TileError(f"holds depths ({vertical.name}), not heights",
                "Write it again with heights above mean sea level.")
        ellipsoidal |= "ellipsoid" in vertical.name.lower() or (axis is not None
            and axis.name.lower().startswith("ellipsoidal"))
    if ellipsoidal:
        raise TileError(f"holds heights above the ellipsoid ({vertical.name if vertical else crs.name}), up to 100 m "
            "from those above mean sea level",
                        "Convert it where the geoid is at hand, e.g. gdalwarp -t_srs EPSG:4326+5773.")
    if not (crs.is_geographic or crs.is_projected):
        raise TileError(f'lies in "{crs.name}", whose place on earth is not known',
            "Write it again in WGS-84 (gdalwarp -t_srs EPSG:4326).")
    return (crs.to_2d() if len(crs.axis_info) == 3 else crs), vertical


def _metres(unit: str, vertical: CRS | None) -> float:
    """The factor that makes metres of the band's heights. Raises TileError for a unit that is no
    length.
    """
    said = unit.strip().lower()
    if not said and vertical is not None and vertical.axis_info:
        return float(vertical.axis_info[0].unit_conversion_factor)
    if said not in UNITS:
        raise TileError(f'holds values in "{unit[:40]}", which is no unit of heights known here',
            "Write it again with heights in metres.")
    return UNITS[said]


def _dted_datums(tags: dict[str, str]) -> None:
    """Raises TileError where a DTED tile names datums that its reader does not heed."""
    horizontal, vertical = (tags.get(f"DTED_{which}Datum", "").strip().upper() for which in ("Horizontal", "Vertical"))
    if horizontal not in ("", "WGS84", "WGS72"):
        raise TileError(f'lies in the datum "{horizontal}", not in WGS84',
            "Convert it to WGS-84, or take another edition.")
    if vertical not in ("", "MSL", "E96", "E08", "EGM96", "EGM08"):
        raise TileError(f'holds heights above "{vertical}", not above mean sea level',
            "Convert them, or take another edition.")


def _transformer(crs: CRS, latitude: Array, longitude: Array) -> Transformer:
    """From WGS-84 longitude and latitude [deg] into a tile's system. Raises TileError where no way
    between the datums is known.
    """
    area = AreaOfInterest(float(longitude.min()), float(latitude.min()), float(longitude.max()), float(latitude.max()))
    ellipsoid = crs.ellipsoid
    like = ellipsoid is not None and abs(ellipsoid.semi_major_metre - 6_378_137.0) < MOST_LIKE_WGS84 and (
        abs(ellipsoid.inverse_flattening - 298.257223563) < MOST_LIKE_WGS84)
    for ballpark in (False, True) if like else (False,):
        try:
            return Transformer.from_crs(4326, crs, always_xy=True, area_of_interest=area, allow_ballpark=ballpark)
        except (ProjError, CRSError):
            continue
    name = crs.datum.name if crs.datum is not None else crs.name
    raise TileError(f'lies in "{crs.name}", and how its datum ({name}) lies to WGS-84 is not known here',
                    "Write it again in WGS-84 where that is known (gdalwarp -t_srs EPSG:4326).")
