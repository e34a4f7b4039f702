"""The grid of a site's terrain as the bytes that a record carries, read back within bounds: nothing
is unpacked before its size is known to be that of a grid.
"""

from __future__ import annotations

import io
import math
import zipfile
import zlib
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

LARGEST_GRID = 4001         # rows and columns; 16 million heights
LARGEST_BYTES = 8 * LARGEST_GRID**2 + 4096      # of a grid, unpacked
MOST_ARRAYS = 8             # in a grid's bytes


class Grid(NamedTuple):
    """Heights at regular places, as they stand in the bytes."""

    east0: float        # of the first column [m]
    north0: float       # of the first row [m]
    step: float         # between rows and columns [m]
    highest: float      # no height is above it [m]
    sigma: float        # error of the heights [m]
    up: Array           # (rows, columns) heights [m]


def unpacked(content: bytes) -> Grid:
    """The grid in these bytes. Raises ValueError where they are none, or declare more than a grid
    may hold.

    content  the file's bytes
    """
    data = _arrays(content)
    meta, up = data.get("meta"), data.get("up")
    if meta is None or up is None or meta.shape != (5,) or up.ndim != 2 or not 1 <= min(up.shape) <= max(
            up.shape) <= LARGEST_GRID:
        raise ValueError("a grid has a head of five numbers and up to 4001 rows and columns of heights")
    east0, north0, step, highest, sigma = (float(v) for v in meta)
    if not (np.isfinite(meta).all() and np.isfinite(up).all() and step > 0.0 and sigma >= 0.0 and highest >= up.max()):
        raise ValueError("a number of the grid is none")
    return Grid(east0, north0, step, highest, sigma, up)


def unknown_share(content: bytes) -> float:
    """The share of a grid's ground that no tile knew, which was taken to lie at the origin's
    height.

    content  the file's bytes
    """
    share = _arrays(content).get("unknown")
    return float(share) if share is not None and share.shape == () else 0.0


def _arrays(content: bytes) -> dict[str, Array]:
    """The arrays of a grid's bytes. Nothing is unpacked before its size is known to be that of a
    grid. Raises ValueError.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            if len(entries) > MOST_ARRAYS or sum(entry.file_size for entry in entries) > LARGEST_BYTES:
                raise ValueError(f"{len(entries)} arrays are more, or larger, than a grid holds")
            arrays = {entry.filename.removesuffix(".npy"): _array(archive.read(entry)) for entry in entries}
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, KeyError, NotImplementedError, RuntimeError,
        MemoryError) as error:
        raise ValueError(f"the grid is damaged: {error}") from None
    return arrays


def _array(content: bytes) -> Array:
    """The array of a .npy file, of plain numbers only, and no larger than its own bytes."""
    file = io.BytesIO(content)
    version = np.lib.format.read_magic(file)
    if version != (1, 0):
        raise ValueError(f"an array of version {version} is not ours")
    shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
    if dtype.kind not in "fiu" or any(side < 0 for side in shape) or math.prod(shape) * dtype.itemsize != len(
            content) - file.tell():
        raise ValueError("an array is not of plain numbers, or not as large as it says")
    return np.frombuffer(content, dtype, offset=file.tell()).reshape(shape, order="F" if fortran else "C")
