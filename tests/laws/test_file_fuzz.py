"""Damaged and made-up files of every kind a reader takes: each is read or refused with its faults,
quickly, in bounded memory.
"""

from __future__ import annotations

import io
import json
import math
import random
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import numpy as np
import polars as pl
import pytest
import rasterio
from builders import a_site
from rasterio.transform import from_origin

from skywarden.errors import InputError
from skywarden.feeds.table import read
from skywarden.files.parquet import read_here
from skywarden.files.tables import read_table
from skywarden.site.load import faults_of, load
from skywarden.site.terrain import from_bytes
from skywarden.site.tiles import TileError, heights
from skywarden.tools.allocate import read as read_instance
from skywarden.tools.fly import COLUMNS

ROOT = Path(__file__).resolve().parents[2]
SITE = a_site()
SHORT, LONG = 60, 100_000
SLOWEST = 20.0  # processor seconds for one file
MOST_MEMORY = 1024 * 1024  # KiB that the process may grow by over all files of a kind
HEAD = "time_s,range_m,azimuth_rad,elevation_rad,range_rate_mps,sensor"
CSV = (HEAD + "\n" + "".join(f"{k / 4},{5000 + k},1.0,0.2,-7.5,0\n" for k in range(40))).encode()
ROUNDS = (",".join(COLUMNS) + "\n" + "G1,1000,300,45,90,0\n" * 20).encode()
INSTANCE = b"3 4 2\n5\n4\n3\n2\n" + b"".join(b"%d %d 0.%d\n" % (w, t, w + t + 1) for w in range(3) for t in range(4))
PIECES = (
    b",",
    b";",
    b"\t",
    b'"',
    b"\n",
    b"\r",
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b"1e309",
    b"nan",
    b"-",
    b"9" * 400,
    b"\x1e",
    b"{",
    b"[[",
    b"]",
    b"= ",
    b"'",
    b"\\u0000",
    b"time_s",
)


def damaged(content: bytes, chance: random.Random) -> bytes:
    """Some bytes of a file changed, cut off, doubled, or put in."""
    made = bytearray(content)
    for _ in range(chance.randrange(1, 6)):
        at = chance.randrange(len(made) + 1)
        match chance.randrange(6):
            case 0 if at < len(made):
                made[at] = chance.randrange(256)
            case 1:
                del made[at : at + chance.choice((1, 2, 8, 100))]
            case 2:
                made[at:at] = chance.choice(PIECES)
            case 3:
                made[at:at] = made[at : at + chance.randrange(200)]
            case 4 if at < len(made):
                made[at] ^= 1 << chance.randrange(8)
            case 5 if chance.random() < 0.2:
                del made[at:]
    return bytes(made)


def parquet() -> bytes:
    buffer = io.BytesIO()
    values = {name: np.arange(60.0) + 1.0 for name in HEAD.split(",")[:5]} | {"sensor": ["0"] * 60}
    pl.DataFrame(values).with_columns(pl.col("azimuth_rad") / 60.0, pl.col("elevation_rad") / 60.0).write_parquet(
        buffer
    )
    return buffer.getvalue()


def geotiff(folder: Path) -> bytes:
    file = folder / "whole.tif"
    with rasterio.open(
        file,
        "w",
        driver="GTiff",
        width=48,
        height=48,
        count=1,
        dtype="int16",
        crs="EPSG:4326",
        compress="deflate",
        tiled=True,
        blockxsize=16,
        blockysize=16,
        transform=from_origin(69.18, 34.52, 0.001, 0.001),
    ) as data:
        data.write(np.arange(48 * 48, dtype=np.int16).reshape(1, 48, 48))
    return file.read_bytes()


def grid() -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, meta=np.array([-100.0, -100.0, 100.0, 5.0, 10.0]), up=np.zeros((3, 3)), unknown=np.array(0.0))
    return buffer.getvalue()


AXIS = np.linspace(-0.01, 0.01, 9)
LATITUDE, LONGITUDE = np.meshgrid(34.5 + AXIS, 69.2 + AXIS, indexing="ij")


def site_of(file: Path, other: str) -> None:
    """Check a site whose one file is damaged, the other whole."""
    (file.parent / other).write_bytes((ROOT / "sites/kabul" / other).read_bytes())
    faults_of(file.parent)


def in_this_process(file: Path) -> object:
    """Read a Parquet table without a process of its own, which costs a third of a second."""
    with mock.patch("skywarden.files.tables.read_parquet", read_here):
        return read(file, SITE)


KINDS: dict[str, tuple[str, Callable[[Path], bytes], Callable[[Path], object]]] = {
    "csv": ("t.csv", lambda _: CSV, lambda file: read(file, SITE)),
    "parquet": ("t.parquet", lambda _: parquet(), in_this_process),
    "rounds": ("r.csv", lambda _: ROUNDS, lambda file: read_table(file, COLUMNS)),
    "instance": ("i.txt", lambda _: INSTANCE, read_instance),
    "geotiff": ("t.tif", geotiff, lambda file: heights(file, LATITUDE, LONGITUDE, np.ones_like(LATITUDE, bool))),
    "grid": ("g.npz", lambda _: grid(), lambda file: from_bytes(file.read_bytes())),
    "toml": (
        "site.toml",
        lambda _: (ROOT / "sites/kabul/site.toml").read_bytes(),
        lambda file: site_of(file, "zones.geojson"),
    ),
    "zones": (
        "zones.geojson",
        lambda _: (ROOT / "sites/kabul/zones.geojson").read_bytes(),
        lambda file: site_of(file, "site.toml"),
    ),
}


class Tried(NamedTuple):
    """What became of damaged files of one kind."""

    inputs: int
    refused: int  # with a sentence; the others were read
    longest: float  # processor seconds for one of them
    grown: int  # KiB by which the process grew


def fuzzed(
    kind: str,
    folder: Path,
    inputs: int,
    seed: str,
    until: float = math.inf,
    told: Callable[[int], object] = lambda done: None,
) -> Tried:
    """Read damaged files until there were `inputs`, or until the monotonic clock shows `until` [s].
    Whatever is raised but a sentence comes through. `told` hears the number of each before it is read.
    """
    name, whole, reader = KINDS[kind]
    content, chance = whole(folder), random.Random(seed)
    file = folder / name
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    done, refused, longest = 0, 0, 0.0
    expected: tuple[type[Exception], ...] = (ValueError,) if kind == "grid" else (InputError, TileError)
    while done < inputs and time.monotonic() < until:
        file.write_bytes(damaged(content, chance))
        told(done + 1)
        begun = time.process_time()
        try:
            reader(file)
        except expected:
            refused += 1
        longest = max(longest, time.process_time() - begun)
        done += 1
    return Tried(done, refused, longest, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)


@pytest.mark.parametrize("count", [SHORT, pytest.param(LONG, marks=[pytest.mark.prove, pytest.mark.timeout(7200)])])
@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_file_is_read_or_refused_quickly_and_in_bounded_memory(kind: str, count: int, tmp_path: Path) -> None:
    count = count if kind not in ("toml", "zones") else max(40, count // 40)  # a whole site each time
    tried = fuzzed(kind, tmp_path, count, f"{kind} {count}")
    print(f"{kind}: {tried}")
    assert tried.longest < SLOWEST
    assert tried.grown < MOST_MEMORY
    assert tried.refused or kind in ("toml", "zones")


def test_a_toml_of_brackets_keys_or_digits_without_end_is_refused_quickly(tmp_path: Path) -> None:
    zones = (ROOT / "sites/kabul/zones.geojson").read_bytes()
    (tmp_path / "zones.geojson").write_bytes(zones)
    for text in (
        "a = " + "[" * 200_000,
        "a = " + "{b=" * 100_000,
        "[" + "a." * 100_000 + "a]",
        "a = " + "9" * 100_000,
        "".join(f"k{i} = 1\n" for i in range(100_001)),
            "".join(f"k{i} = 1\n" for i in range(5_000)),
        "[[radars]]\n" * 10_001,
        'a = """' + "x" * 300_000,
        "x" * 300_000,
    ):
        (tmp_path / "site.toml").write_text(text)
        begun = time.process_time()
        assert faults_of(tmp_path)
        assert time.process_time() - begun < SLOWEST
    assert load("kabul").zones


def test_json_as_deep_as_a_file_can_be_is_refused_quickly(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_bytes((ROOT / "sites/kabul/site.toml").read_bytes())
    for text in (
        "[" * 1_000_000,
        '{"type": "FeatureCollection", "features": ' + "[" * 1_000_000,
        json.dumps({"type": "FeatureCollection", "features": [7] * 1999}),
    ):
        (tmp_path / "zones.geojson").write_text(text)
        begun = time.process_time()
        assert faults_of(tmp_path)
        assert time.process_time() - begun < SLOWEST
