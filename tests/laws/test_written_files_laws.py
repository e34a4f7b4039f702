"""Laws of written files: however a good site or scenario is spoilt, reading it gives the thing
itself or an InputError, never anything else.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skywarden.errors import InputError
from skywarden.simulator.scenario.load import from_sources as scenario_from
from skywarden.simulator.scenario.load import load as load_scenario
from skywarden.site.load import from_sources as site_from
from skywarden.site.load import load as load_site
from skywarden.tools.check import check_file

ROOT = Path(__file__).resolve().parents[2]
TOML = (ROOT / "sites/kabul/site.toml").read_bytes()
ZONES = (ROOT / "sites/kabul/zones.geojson").read_bytes()
RAIDS = [(ROOT / f"scenarios/{name}.toml").read_bytes() for name in ("kabul-2021-08-30", "mortar-raid", "quiet-night")]
KABUL = load_site("kabul")
VALUE = re.compile(rb"(?<== )[^\n#]+|(?<=: )[^,}\n]+|(?<=[\[,] )-?[\d.]+")
SPOILT = [b"nan", b"-inf", b"1e999", b"-1", b"0", b'"x"', b'""', b"[]", b"{}", b"true", b"[[1]]", b"1979-05-27",
    b"9" * 400,
          b"null", b"[1, 2]", b"1e308", b"1e-300"]
T = TypeVar("T")
FLIGHTS = b"time_s,icao24,callsign,latitude_deg,longitude_deg,altitude_m\n"
settings.register_profile(
    "files", deadline=None, derandomize=True, max_examples=150, suppress_health_check=[HealthCheck.too_slow,
        HealthCheck.data_too_large])
FILES = settings.get_profile("files")


def spoil(content: bytes, data: st.DataObject) -> bytes:
    """A few slips: a byte, a lost end, a lost or doubled line, a value of another kind."""
    for _ in range(data.draw(st.integers(1, 3))):
        if not content:
            return content
        at, how = data.draw(st.integers(0, len(content) - 1)), data.draw(st.sampled_from(["byte", "end", "lose",
            "double", "value", "value"]))
        start, end = content.rfind(b"\n", 0, at) + 1, content.find(b"\n", at) + 1 or len(content)
        if how == "byte":
            content = content[:at] + bytes([data.draw(st.integers(0, 255))]) + content[at + 1:]
        elif how == "end":
            content = content[:at]
        elif how == "lose":
            content = content[:start] + content[end:]
        elif how == "double":
            content = content[:end] + content[start:end] + content[end:]
        else:
            found = VALUE.search(content, at) or VALUE.search(content)
            if found:
                content = content[:found.start()] + data.draw(st.sampled_from(SPOILT)) + content[found.end():]
    return content


def outcome(read: Callable[[], T]) -> T | InputError:
    try:
        return read()
    except InputError as error:
        return error


def explains(error: InputError) -> bool:
    return bool(error.faults) and all(fault.what and fault.do for fault in error.faults)


@given(st.data())
@FILES
def test_a_spoilt_site_is_a_site_or_an_input_error(data: st.DataObject) -> None:
    sources = {"site.toml": TOML, "zones.geojson": ZONES}
    victim = data.draw(st.sampled_from(sorted(sources)))
    sources[victim] = spoil(sources[victim], data)
    site = outcome(lambda: site_from(sources, "spoilt"))
    assert explains(site) if isinstance(site, InputError) else site.policy.frame_s > 0.0


@given(st.data())
@FILES
def test_a_spoilt_scenario_is_a_scenario_or_an_input_error(data: st.DataObject) -> None:
    content = spoil(data.draw(st.sampled_from(RAIDS)), data)
    scenario = outcome(lambda: scenario_from({"scenario.toml": content}, KABUL))
    assert explains(scenario) if isinstance(scenario, InputError) else scenario.duration > 0.0


FIELD = st.one_of(st.floats(-1e4, 1e4).map(str), st.sampled_from(["", "nan", "inf", "-1e308", "1e308", "x", "69,5",
    '"', "\x7f", "0", "47.1"]))


@given(st.lists(st.tuples(FIELD, st.sampled_from(["abc123", "", "zz", "ABC124"]), FIELD, FIELD, FIELD, FIELD),
    max_size=30))
@FILES
def test_a_recording_of_anything_is_read_or_explained(rows: list[tuple[str, ...]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "flights.csv"
        path.write_bytes(FLIGHTS + "\n".join(",".join(row) for row in rows).encode())
        assert all(fault.what and fault.do for fault in check_file(path))


@pytest.mark.parametrize("name", ["kabul", "range", "range-weather"])
def test_a_record_carries_a_site_from_which_it_comes_back_the_same(name: str) -> None:
    site = load_site(name)
    again = site_from(site.sources, name)
    assert again.sources == site.sources
    for ours, theirs in ((site.zones, again.zones), (site.radars, again.radars), (site.effectors, again.effectors),
            (site.laws, again.laws)):
        assert repr(ours) == repr(theirs)
    assert repr((site.origin, site.policy, site.weather, site.air, site.earth)) == repr((again.origin, again.policy,
        again.weather, again.air, again.earth))
    assert all((a.polygon == b.polygon).all() for a, b in zip(site.zones, again.zones, strict=True))


def test_a_record_carries_a_scenario_from_which_it_comes_back_the_same() -> None:
    scenario = load_scenario("kabul-2021-08-30", KABUL)
    again = scenario_from(scenario.sources, KABUL)
    assert repr(again.raids) == repr(scenario.raids)
    assert repr(again.flights) == repr(scenario.flights)
    assert again.seed == scenario.seed
    assert (again.name, again.title, again.epoch_ns) == (scenario.name, scenario.title, scenario.epoch_ns)
