"""Terrain from DTED, SRTM .hgt or GeoTIFF tiles, resampled once into one regular grid of the site
frame.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from skywarden.errors import Fault
from skywarden.files.toml import Table
from skywarden.kernels.geometry.earth import to_earth
from skywarden.kernels.geometry.ground import Ground
from skywarden.kernels.geometry.sight import EARTH_RADIUS
from skywarden.site.grids import LARGEST_GRID, unknown_share, unpacked
from skywarden.site.model import Origin
from skywarden.site.tiles import DRIVERS, TileError, heights

__all__ = ["from_bytes", "read", "unknown_share"]


def read(table: Table, folder: Path, origin: Origin) -> bytes | None:
    """The grid that `[terrain]` declares, as the bytes a record carries; None where none is
    declared.

    files     tiles or folders of tiles, relative to the site's folder; several are merged, the
              first that knows a place wins
    step_m    between grid points, 100 unless said;  extent_m  half the grid's width, 20 km unless
              said;  sigma_m  error of the heights
    table     the table as it was read
    origin    latitude, longitude and height of the site's origin
    """
    names = table.texts("files")
    step, extent = table.number("step_m", 100.0, 5.0, 2000.0), table.number("extent_m", 20_000.0, 500.0, 100_000.0)
    sigma = table.number("sigma_m", 10.0, 0.0, 200.0)
    table.finish()
    faults, line = table.document.faults, table.document.line(("terrain", "files"))
    if 2.0 * extent / step + 1.0 > LARGEST_GRID:
        table.fault("step_m", f"extent_m {extent:g} at step_m {step:g} makes more than {LARGEST_GRID} points a side",
            "Use a coarser step or a smaller extent.")
    if not names or faults:
        return None
    tiles = [tile for name in names for tile in _tiles(folder / name)]
    if not tiles:
        faults.append(Fault(table.document.name, line, f"no terrain tile in {names}",
            f"Name {', '.join(DRIVERS)} files."))
        return None
    axis = np.arange(-extent, extent + step / 2.0, step)
    east, north = np.meshgrid(axis, axis)
    flat = np.stack([east.ravel(), north.ravel(), np.zeros(east.size)], axis=1)
    latitude, longitude, _ = to_earth(origin.latitude, origin.longitude, origin.elevation, flat)
    place = np.degrees(latitude).reshape(east.shape), np.degrees(longitude).reshape(east.shape)
    height = np.full(east.shape, np.nan)
    beside = []
    for tile in tiles:
        try:
            found, bounds = heights(tile, *place, np.isnan(height))
        except TileError as error:
            faults.append(Fault(str(tile), None, error.what, error.do))
            continue
        height = np.where(np.isnan(height), found, height)
        if bounds is not None:
            beside.append(f"{tile.name} covers {bounds[0]:.6g} to {bounds[2]:.6g} east, {bounds[1]:.6g} to "
                f"{bounds[3]:.6g} north")
    known = np.isfinite(height)
    if faults or not known.any():
        if not faults:
            what = "no tile covers the site" if beside else "the tiles know no height here: all of it is void"
            faults.append(Fault(table.document.name, line, what,
                f"Name the tiles around the origin.{f' {beside[0]}.' if beside else ''}"))
        return None
    # A tangent plane: ground at distance d lies d²/2R below it, which is already in the heights' geometry when
    # projected back.
    drop = (east**2 + north**2) / (2.0 * EARTH_RADIUS)
    up = np.where(known, height, origin.elevation) - origin.elevation - drop
    ground = Ground(float(axis[0]), float(axis[0]), float(step), up, float(up.max()), float(sigma))
    return to_bytes(ground, 1.0 - float(known.mean()))


def to_bytes(ground: Ground, unknown: float = 0.0) -> bytes:
    """A grid as bytes, the same ones for the same grid; `unknown` is the share of it that no tile
    knew.

    ground  heights of the terrain
    """
    buffer = io.BytesIO()
    meta = np.array([ground.east0, ground.north0, ground.step, ground.highest, ground.sigma])
    np.savez(buffer, meta=meta, up=ground.up, unknown=np.array(unknown))
    return buffer.getvalue()


def from_bytes(content: bytes) -> Ground:
    """The grid that a site was read with. Raises ValueError where the bytes are none, or declare
    more than a grid may hold.

    content  the file's bytes
    """
    grid = unpacked(content)
    up = np.ascontiguousarray(grid.up, np.float64)
    return Ground(grid.east0, grid.north0, grid.step, up, grid.highest, grid.sigma)


def _tiles(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(p for p in path.iterdir() if p.suffix.lower() in DRIVERS)
    return [path]
