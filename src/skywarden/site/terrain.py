"""Terrain from DTED, SRTM .hgt or GeoTIFF tiles, resampled once into one regular grid of the site frame."""

from __future__ import annotations

import io
import math
from pathlib import Path

import numpy as np

from skywarden.errors import Fault
from skywarden.files.toml import Table
from skywarden.kernels.geometry.earth import to_earth
from skywarden.kernels.geometry.ground import Ground
from skywarden.kernels.geometry.sight import EARTH_RADIUS
from skywarden.site.model import Array, Origin

SUFFIXES = (".dt0", ".dt1", ".dt2", ".hgt", ".tif", ".tiff")
LARGEST_GRID = 4001         # rows and columns; 16 million heights


def read(table: Table, folder: Path, origin: Origin) -> bytes | None:
    """The grid that `[terrain]` declares, as the bytes a record carries; None where none is declared.

    files     tiles or folders of tiles, relative to the site's folder; several are merged, the first that knows a place wins
    step_m    between grid points, 100 unless said;  extent_m  half the grid's width, 20 km unless said;  sigma_m  error of the heights
    """
    names = table.texts("files")
    step, extent = table.number("step_m", 100.0, 5.0, 2000.0), table.number("extent_m", 20_000.0, 500.0, 100_000.0)
    sigma = table.number("sigma_m", 10.0, 0.0, 200.0)
    table.finish()
    faults, line = table.document.faults, table.document.line(("terrain", "files"))
    if 2.0 * extent / step + 1.0 > LARGEST_GRID:
        table.fault("step_m", f"extent_m {extent:g} at step_m {step:g} makes more than {LARGEST_GRID} points a side", "Use a coarser step or a smaller extent.")
    if not names or faults:
        return None
    tiles = [tile for name in names for tile in _tiles(folder / name)]
    if not tiles:
        faults.append(Fault(table.document.name, line, f"no terrain tile in {names}", f"Name {', '.join(SUFFIXES)} files."))
        return None
    axis = np.arange(-extent, extent + step / 2.0, step)
    east, north = np.meshgrid(axis, axis)
    flat = np.stack([east.ravel(), north.ravel(), np.zeros(east.size)], axis=1)
    latitude, longitude, _ = to_earth(origin.latitude, origin.longitude, origin.elevation, flat)
    height = np.full(east.size, np.nan)
    for tile in tiles:
        _fill(tile, np.degrees(latitude), np.degrees(longitude), height, faults)
    if not np.isfinite(height).any():
        faults.append(Fault(table.document.name, line, "no tile covers the site", "Name the tiles around the origin."))
        return None
    # A tangent plane: ground at distance d lies d²/2R below it, which is already in the heights' geometry when projected back.
    drop = (flat[:, 0] ** 2 + flat[:, 1] ** 2) / (2.0 * EARTH_RADIUS)
    up = np.where(np.isfinite(height), height, origin.elevation) - origin.elevation - drop
    return to_bytes(Ground(float(axis[0]), float(axis[0]), float(step), up.reshape(east.shape), float(up.max()), float(sigma)))


def to_bytes(ground: Ground) -> bytes:
    """A grid as bytes, the same ones for the same grid."""
    buffer = io.BytesIO()
    np.savez(buffer, meta=np.array([ground.east0, ground.north0, ground.step, ground.highest, ground.sigma]), up=ground.up)
    return buffer.getvalue()


def from_bytes(content: bytes) -> Ground:
    with np.load(io.BytesIO(content), allow_pickle=False) as data:
        east0, north0, step, highest, sigma = (float(v) for v in data["meta"])
        return Ground(east0, north0, step, np.ascontiguousarray(data["up"], np.float64), highest, sigma)


def _tiles(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(p for p in path.iterdir() if p.suffix.lower() in SUFFIXES)
    return [path]


def _fill(tile: Path, latitude: Array, longitude: Array, height: Array, faults: list[Fault]) -> None:
    """Heights, bilinear, of the points this tile covers and no earlier one did."""
    import rasterio
    from rasterio.errors import RasterioError
    from rasterio.warp import transform

    if tile.suffix.lower() not in SUFFIXES:
        faults.append(Fault(str(tile), None, "is not a terrain tile", f"Name a file ending in {', '.join(SUFFIXES)}."))
        return
    try:
        with rasterio.open(tile) as data:
            if data.crs is None:
                raise RasterioError("it does not say where on earth it lies")
            x, y = longitude, latitude
            if data.crs.to_epsg() != 4326 and not data.crs.is_geographic:
                xs, ys = transform("EPSG:4326", data.crs, longitude.tolist(), latitude.tolist())
                x, y = np.array(xs), np.array(ys)
            band = data.read(1).astype(np.float64)
            band[band == data.nodata] = np.nan
            inverse = ~data.transform
            column, row = inverse.a * x + inverse.b * y + inverse.c - 0.5, inverse.d * x + inverse.e * y + inverse.f - 0.5
    except (RasterioError, OSError, ValueError) as error:
        faults.append(Fault(str(tile), None, f"cannot be read as terrain: {error}", "Check that the file is whole and in WGS-84 or a known projection."))
        return
    rows, columns = band.shape
    inside = (column >= -0.5) & (column <= columns - 0.5) & (row >= -0.5) & (row <= rows - 0.5) & ~np.isfinite(height)
    c, r = np.clip(column[inside], 0.0, columns - 1.000001), np.clip(row[inside], 0.0, rows - 1.000001)
    i, j = c.astype(int), r.astype(int)
    fc, fr = c - i, r - j
    i1, j1 = np.minimum(i + 1, columns - 1), np.minimum(j + 1, rows - 1)
    value = (1 - fr) * ((1 - fc) * band[j, i] + fc * band[j, i1]) + fr * ((1 - fc) * band[j1, i] + fc * band[j1, i1])
    value[(value < -500.0) | (value > 9000.0)] = math.nan
    height[inside] = value
