"""Terrain tiles: heights are what the file means by them, in metres above the sea, or the file is
refused; it alone is opened, and only where it is needed.
"""

from __future__ import annotations

import json
import math
import resource
import socket
import struct
import time
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

from skywarden.errors import SiteError
from skywarden.kernels.geometry.ground import Ground
from skywarden.site.doubts import doubts
from skywarden.site.load import from_sources, load
from skywarden.site.model import Site
from skywarden.site.terrain import from_bytes, to_bytes, unknown_share

LATITUDE, LONGITUDE, ELEVATION = 34.5, 69.2, 1000.0
PIXEL = 1.0 / 1200.0  # degrees, three arc seconds
SIDE = 80  # posts, some 7 km
metre = 1.0
ZONE = [[69.199, 34.499], [69.201, 34.499], [69.201, 34.501], [69.199, 34.501], [69.199, 34.499]]


def hill() -> np.ndarray:
    """Whole metres between 900 and 1100: a slope to the north-east."""
    rows, columns = np.mgrid[0:SIDE, 0:SIDE]
    return np.round(1000.0 + columns - 0.5 * rows).astype(np.float64)


def tile(
    path: Path,
    values: np.ndarray,
    crs: Any = "EPSG:4326",
    west: float = LONGITUDE,
    north: float = LATITUDE,
    pixel: float = PIXEL,
    **more: Any,
) -> Path:
    """A GeoTIFF whose middle is at the site; `more` goes to the writer, scale, offset, unit and mask to the band."""
    side = values.shape[-1]
    bands = values if values.ndim == 3 else values[None]
    kept = {key: more.pop(key) for key in ("scale", "offset", "unit", "mask") if key in more}
    where = from_origin(west - 0.5 * side * pixel, north + 0.5 * side * pixel, pixel, pixel)
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
        rasterio.open(
            path,
            "w",
            driver="GTiff",
            width=side,
            height=bands.shape[1],
            count=len(bands),
            dtype=bands.dtype,
            crs=crs,
            transform=where,
            **more,
        ) as file,
    ):
        file.write(bands)
        if "scale" in kept or "offset" in kept:
            file.scales, file.offsets = [kept.get("scale", 1.0)], [kept.get("offset", 0.0)]
        if "unit" in kept:
            file.units = [kept["unit"]]
        if "mask" in kept:
            file.write_mask(kept["mask"])
    return path


def site(folder: Path, files: str = '["dem.tif"]', longitude: float = LONGITUDE, elevation: float = ELEVATION) -> Site:
    ring = [[x - LONGITUDE + longitude, y] for x, y in ZONE]
    properties = {"name": "hall", "kind": "building"}
    feature = {"type": "Feature", "properties": properties, "geometry": {"type": "Polygon", "coordinates": [ring]}}
    (folder / "zones.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    (folder / "site.toml").write_text(
        f"[origin]\nlatitude_deg = {LATITUDE}\nlongitude_deg = {longitude}\nelevation_m = {elevation}\n"
        f"[terrain]\nfiles = {files}\nstep_m = 100\nextent_m = 2000\n"
        '[[radars]]\nname = "r"\nrevisit_s = 0.5\nrange_max_m = 15000\nrange_sigma_m = 10\nazimuth_sigma_mrad = '
        '3\nelevation_sigma_mrad = 3\n'
    )
    return load(folder)


def up(found: Site) -> np.ndarray:
    return np.asarray(found.ground.up)


def refused(folder: Path, word: str, files: str = '["dem.tif"]') -> None:
    with pytest.raises(SiteError, match=word) as caught:
        site(folder, files)
    assert all(fault.do for fault in caught.value.faults)


@pytest.fixture
def plain(tmp_path: Path) -> np.ndarray:
    (tmp_path / "plain").mkdir()
    tile(tmp_path / "plain" / "dem.tif", hill().astype(np.int16))
    return up(site(tmp_path / "plain"))


def test_heights_stand_above_the_origin_and_the_middle_is_where_it_belongs(plain: np.ndarray) -> None:
    middle = plain.shape[0] // 2
    assert plain[middle, middle] == pytest.approx(0.5 * SIDE - 0.25 * SIDE, abs=metre)
    assert plain.min() > -60.0
    assert plain[0, -1] > plain[-1, 0]  # south-east above north-west


@pytest.mark.parametrize(
    ("void", "declared", "kind"),
    [
        (-32768, None, "int16"),
        (-9999, None, "int16"),
        (-32767, None, "int16"),
        (32767, None, "int16"),
        (65535, None, "uint16"),
        (-99999.0, None, "float32"),
        (math.nan, None, "float32"),
        (-3.4e38, None, "float32"),
        (1e30, None, "float64"),
        (0, None, "int16"),
        (-32768, -32768, "int16"),
        (1234, 1234, "int16"),
    ],
)
def test_voids_are_unknown_whether_declared_or_not_and_make_no_pits(
    void: float, declared: float | None, kind: str, tmp_path: Path, plain: np.ndarray
) -> None:
    values = hill().astype(kind)
    values[30:34, 44:50] = void
    tile(tmp_path / "dem.tif", values, nodata=declared)
    found = site(tmp_path)
    share = unknown_share(found.sources["terrain.npz"])
    assert 0.0 < share < 0.05
    unknown = np.abs(up(found) - plain) > 0.01
    assert unknown.mean() <= share + 1e-9
    assert np.abs(up(found)[unknown]).max() < 2.0 * metre  # at the origin's height
    assert any("unknown" in doubt for doubt in doubts(found))


def test_a_mask_in_the_file_is_heeded(tmp_path: Path) -> None:
    mask = np.full((SIDE, SIDE), 255, np.uint8)
    mask[:, : SIDE // 2] = 0
    tile(tmp_path / "dem.tif", np.where(mask > 0, hill(), 5000.0).astype(np.int16), mask=mask)
    found = site(tmp_path)
    assert up(found).max() < 200.0
    assert unknown_share(found.sources["terrain.npz"]) == pytest.approx(0.5, abs=0.05)
    assert any(doubt.startswith("5") and "% of the ground is unknown" in doubt for doubt in doubts(found))


@pytest.mark.parametrize(
    ("values", "more"),
    [
        (hill() * 10.0, {"scale": 0.1}),
        (hill() * 2.0, {"scale": 0.5}),
        (hill() - 900.0, {"offset": 900.0}),
        ((hill() - 500.0) * 4.0, {"scale": 0.25, "offset": 500.0}),
        (hill() / 0.3048, {"unit": "ft"}),
        (hill() / 0.3048, {"unit": "foot"}),
        (hill() * 3937.0 / 1200.0, {"unit": "US survey foot"}),
        (hill() * 100.0, {"unit": "cm"}),
        (hill() / 0.3048, {"unit": "Feet"}),
        (hill(), {"unit": "metre"}),
        (hill() * 3937.0 / 1200.0, {"crs": "EPSG:4326+6360"}),
        (hill(), {"crs": "EPSG:4326+5773"}),
        (hill() * 10.0 / 0.3048, {"scale": 0.1, "unit": "ft"}),
    ],
)
def test_scale_offset_and_unit_are_applied(
    values: np.ndarray, more: dict[str, Any], tmp_path: Path, plain: np.ndarray
) -> None:
    tile(tmp_path / "dem.tif", values.astype(np.float32), **more)
    assert np.abs(up(site(tmp_path)) - plain).max() < 0.6 * metre


def test_a_void_is_one_under_a_scale_too(tmp_path: Path) -> None:
    values = (hill() * 100.0).astype(np.int32)
    values[30:34, 44:50] = -9999  # -100 m, were it a height
    tile(tmp_path / "dem.tif", values, scale=0.01)
    assert up(site(tmp_path)).min() > -60.0


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ({"crs": "EPSG:4979"}, "above the ellipsoid"),
        ({"crs": None}, "where on earth"),
        ({"unit": "K"}, '"K"'),
        ({"unit": "degree"}, "no unit"),
        ({"crs": "EPSG:4326+5831"}, "depths"),
        ({"scale": 0.0}, "scale 0"),
        ({"crs": "EPSG:4284"}, "Pulkovo"),
        (
            {
                "crs": 'GEOGCRS["Odd",DATUM["Odd",ELLIPSOID["Krassowsky '
                '1940",6378245,298.3]],CS[ellipsoidal,2],AXIS["lat",north],AXIS["lon",east],'
                'ANGLEUNIT["degree",0.0174532925199433]]'
            },
            "datum",
        ),
        ({"crs": 'LOCAL_CS["the works",UNIT["metre",1]]'}, "(?i)the works|where on earth|coordinate system"),
    ],
)
def test_what_would_lie_elsewhere_or_higher_is_refused_with_a_sentence(
    more: dict[str, Any], word: str, tmp_path: Path
) -> None:
    tile(tmp_path / "dem.tif", hill().astype(np.float32), **more)
    refused(tmp_path, word)


@pytest.mark.parametrize("width", [0.0, math.nan, math.inf])
def test_pixels_without_a_width_are_refused(width: float, tmp_path: Path) -> None:
    """Found by damaged files: the place of such pixels cannot be worked out backwards."""
    path = tile(tmp_path / "dem.tif", hill().astype(np.float32))
    content, said = path.read_bytes(), struct.pack("<d", PIXEL)
    assert content.count(said) == 2
    path.write_bytes(content.replace(said, struct.pack("<d", width), 1))
    refused(tmp_path, "no width or no height|cannot be read|where on earth")


def test_another_horizontal_datum_is_transformed(tmp_path: Path, plain: np.ndarray) -> None:
    tile(tmp_path / "dem.tif", hill().astype(np.float32), crs="EPSG:4255")  # Afghanistan's own, some 300 m off
    shifted = up(site(tmp_path))
    assert 1.0 < np.abs(shifted - plain)[10:-10, 10:-10].mean() < 10.0  # metres of height on this slope
    from pyproj import Transformer

    x, y = Transformer.from_crs(4326, 4255, always_xy=True).transform(LONGITUDE, LATITUDE)
    tile(tmp_path / "dem.tif", hill().astype(np.float32), crs="EPSG:4255", west=x, north=y)
    assert np.abs(up(site(tmp_path)) - plain).max() < 0.6 * metre


def test_a_projected_tile_lies_where_it_belongs(tmp_path: Path) -> None:
    from pyproj import Transformer

    x, y = Transformer.from_crs(4326, 32642, always_xy=True).transform(LONGITUDE, LATITUDE)
    tile(tmp_path / "dem.tif", hill().astype(np.float32), crs="EPSG:32642", west=x, north=y, pixel=90.0)
    heights = up(site(tmp_path))
    assert heights[20, 20] == pytest.approx(20.0, abs=metre)
    assert heights[20, 30] - heights[20, 20] == pytest.approx(1000.0 / 90.0, abs=metre)


@pytest.mark.parametrize("centre", [180.0, -180.0])
@pytest.mark.parametrize("longitude", [179.9995, -179.9995, 180.0])
def test_a_tile_over_the_date_line_knows_both_sides(centre: float, longitude: float, tmp_path: Path) -> None:
    tile(tmp_path / "dem.tif", hill().astype(np.int16), west=centre)
    found = site(tmp_path, longitude=longitude)
    assert unknown_share(found.sources["terrain.npz"]) == 0.0
    assert up(found)[20, 20] == pytest.approx(20.0, abs=2.0 * metre)


VRT = ('<VRTDataset rasterXSize="64" '
    'rasterYSize="64"><SRS>EPSG:4326</SRS><GeoTransform>69,0.01,0,35,0,-0.01</GeoTransform>{}</VRTDataset>')
BAND = ('<VRTRasterBand dataType="Float32" band="1"><SimpleSource><SourceFilename '
    'relativeToVRT="0">{}</SourceFilename></SimpleSource></VRTRasterBand>')


@pytest.mark.parametrize("name", ["dem.tif", "dem.tiff", "dem.dt0", "dem.dt2", "N34E069.hgt", "dem.vrt"])
def test_a_virtual_raster_is_opened_by_no_suffix_and_asks_nobody(name: str, tmp_path: Path) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.settimeout(0.05)
        address = f"/vsicurl/http://127.0.0.1:{listener.getsockname()[1]}/stolen.tif"
        for start in ("", "\n \t", '<?xml version="1.0"?>\n'):
            (tmp_path / name).write_text(start + VRT.format(BAND.format(address)))
            refused(tmp_path, "suffix does not say|not a terrain tile|not recognized", f'["{name}"]')
        refused(tmp_path, "is no file", f'["{address}"]')
        with pytest.raises(TimeoutError):
            listener.accept()


@pytest.mark.parametrize(
    "files",
    [
        '["/vsizip/x.zip/dem.tif"]',
        '["GTIFF_DIR:1:dem.tif"]',
        '["http://127.0.0.1:9/dem.tif"]',
        '["/dev/zero.tif"]',
        '["nowhere.tif"]',
        '["s3://b/dem.tif"]',
    ],
)
def test_a_name_that_is_no_file_is_none(files: str, tmp_path: Path) -> None:
    tile(tmp_path / "dem.tif", hill().astype(np.int16))
    refused(tmp_path, "is no file", files)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"\x1f\x8b\x08\0", "gzip"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
        (b"<html>", "HTML"),
        (b"ncols 4\nnrows 4\n", "text"),
        (b"\x89HDF\r\n", "HDF5"),
        (b"", "empty"),
        (b"II*\0" + b"\xff" * 60, "cannot be read as GTiff"),
    ],
)
def test_what_is_no_geotiff_is_named(content: bytes, word: str, tmp_path: Path) -> None:
    (tmp_path / "dem.tif").write_bytes(content)
    refused(tmp_path, word)


def test_files_beside_a_tile_say_nothing(tmp_path: Path, plain: np.ndarray) -> None:
    tile(tmp_path / "dem.tif", hill().astype(np.int16))
    (tmp_path / "dem.tif.aux.xml").write_text(
        '<PAMDataset><PAMRasterBand band="1"><Scale>9</Scale><UnitType>ft</UnitType></PAMRasterBand></PAMDataset>'
    )
    (tmp_path / "dem.tfw").write_text("1\n0\n0\n-1\n0\n0\n")
    (tmp_path / "dem.tif.msk").write_bytes((tmp_path / "dem.tif").read_bytes())
    (tmp_path / "dem.tif.ovr").write_bytes((tmp_path / "dem.tif").read_bytes())
    assert np.array_equal(up(site(tmp_path)), plain)


def test_pictures_and_numbers_that_are_no_heights_are_refused(tmp_path: Path) -> None:
    tile(tmp_path / "dem.tif", np.full((3, SIDE, SIDE), 90, np.uint8), photometric="RGB")
    refused(tmp_path, "picture")
    tile(tmp_path / "dem.tif", hill().astype(np.complex64))
    refused(tmp_path, "complex")


def test_only_the_window_of_a_large_file_is_read(tmp_path: Path) -> None:
    side = 20_000
    where = from_origin(LONGITUDE - 1.0, LATITUDE + 1.0, 2.0 / side, 2.0 / side)
    with rasterio.open(
        tmp_path / "dem.tif",
        "w",
        driver="GTiff",
        width=side,
        height=side,
        count=1,
        dtype="float32",
        crs="EPSG:4326",
        transform=where,
        tiled=True,
        sparse_ok=True,
        compress="deflate",
    ) as file:
        file.write(np.full((1024, 1024), 1003.0, np.float32), 1, window=((9488, 10512), (9488, 10512)))
    tracemalloc.start()
    begun = time.process_time()
    found = site(tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert up(found)[20, 20] == pytest.approx(3.0, abs=0.01)
    assert peak < 64 * 2**20
    assert time.process_time() - begun < 10.0


def test_a_small_file_that_unpacks_to_hundreds_of_megabytes_at_once_is_refused(tmp_path: Path) -> None:
    side = 20_000
    with rasterio.open(
        tmp_path / "dem.tif",
        "w",
        driver="GTiff",
        width=side,
        height=side,
        count=1,
        dtype="uint8",
        crs="EPSG:4326",
        sparse_ok=True,
        transform=from_origin(LONGITUDE - 1.0, LATITUDE + 1.0, 2.0 / side, 2.0 / side),
        compress="deflate",
        tiled=True,
        blockxsize=side,
        blockysize=side,
    ):
        pass
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refused(tmp_path, "pieces of 381 MiB")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 128 * 1024  # KiB


def test_tiles_that_do_not_cover_the_site_say_what_they_cover(tmp_path: Path) -> None:
    tile(tmp_path / "dem.tif", hill().astype(np.int16), west=10.0)
    refused(tmp_path, "no tile covers the site.*\n.*dem.tif covers 9.96")
    tile(tmp_path / "dem.tif", np.full((SIDE, SIDE), -9999, np.int16))
    refused(tmp_path, "all of it is void")


@pytest.mark.parametrize(
    ("elevation", "word"),
    [(3281.0, "elevation_m in feet"), (304.8, "terrain's heights in feet"), (1400.0, "one of them is wrong")],
)
def test_an_elevation_against_its_own_terrain_is_doubted(elevation: float, word: str, tmp_path: Path) -> None:
    tile(tmp_path / "dem.tif", np.full((SIDE, SIDE), 1000, np.int16))
    assert any(word in doubt for doubt in doubts(site(tmp_path, elevation=elevation)))
    assert not doubts(site(tmp_path, elevation=1020.0))


def grid(**changes: Any) -> bytes:
    """A grid's bytes with arrays of its own."""
    import io

    arrays = {"meta": np.array([-100.0, -100.0, 100.0, 5.0, 10.0]), "up": np.zeros((3, 3))} | changes
    buffer = io.BytesIO()
    np.savez(buffer, **{key: value for key, value in arrays.items() if value is not None})
    return buffer.getvalue()


def test_a_grid_comes_back_as_it_was() -> None:
    ground = Ground(-100.0, -100.0, 100.0, np.arange(9.0).reshape(3, 3), 8.0, 10.0)
    again = from_bytes(to_bytes(ground, 0.25))
    assert np.array_equal(again.up, ground.up)
    assert again._replace(up=ground.up) == ground
    assert unknown_share(to_bytes(ground, 0.25)) == 0.25
    assert unknown_share(grid()) == 0.0  # of a record of old


def bomb(shape: tuple[int, ...], zeros: int) -> bytes:
    """A grid whose array says one size and holds another, packed."""
    import io

    head, buffer = io.BytesIO(), io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "<f8", "fortran_order": False, "shape": shape})
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("up.npy", head.getvalue() + b"\0" * zeros)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04",
        b"junk" * 99,
        grid(up=None),
        grid(meta=None),
        grid(meta=np.zeros(4)),
        grid(up=np.zeros(3)),
        grid(up=np.zeros((2, 5000))),
        grid(up=np.array([[object()]])),
        grid(up=np.full((3, 3), np.nan)),
        grid(up=np.full((3, 3), 9.0)),
        grid(meta=np.array([0.0, 0.0, 0.0, 5.0, 1.0])),
        grid(meta=np.array([np.inf, 0.0, 1.0, 5.0, 1.0])),
        bomb((30_000, 30_000), 100),
        bomb((1, 1), 400_000_000),
        grid(up=np.zeros((3, 3)))[:-30],
    ],
)
def test_a_grid_that_is_none_is_refused_before_it_is_unpacked(content: bytes) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ValueError, match=r"grid|number|array"):
        from_bytes(content)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024
    kabul = load("kabul")
    with pytest.raises(SiteError, match="no terrain that a site was read with"):
        from_sources({**kabul.sources, "terrain.npz": content})
