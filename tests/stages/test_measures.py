"""The figures of a run, against a raid small enough to count by hand; and the report drawn from its record."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from builders import a_site, square

from skywarden.measures import calibration
from skywarden.measures.ledger import RoundLine, Sample
from skywarden.measures.tally import Measures, hull
from skywarden.messages.frame import Aircraft, Detections, Frame, Inputs, Radars, Weather
from skywarden.messages.moment import Moment
from skywarden.messages.picture import CLEAR, HELD, RAISE, Health, Impacts, Picture, Threats, Tracks, Warnings
from skywarden.messages.truth import FELL, FLYING, STOPPED, WAITING, Engagements, TrueAircraft, TrueRounds, Truth
from skywarden.record.reader import Record
from skywarden.record.writer import Header, Recorder
from skywarden.review import report, story
from skywarden.site.load import load
from skywarden.site.model import Zone

START, FLIGHT = np.array([1.0, 3.0, 5.0]), 20.0                              # s
IMPACT = np.array([[0.0, 0.0, 0.0], [1000.0, 0.0, 0.0], [5000.0, 0.0, 0.0]])  # m: on A, on B, off the field
STOPPED_AT = 18.0                                                            # s: the second round
NASTY = "<script>alert('B')</script> & $x$"


def site():
    zones = [Zone("A", "housing", 10.0, 5.0, True, square(0, 0, 50)), Zone(NASTY, "apron", 5.0, 5.0, True,
        square(1000, 0, 50)),
             Zone("C", "fuel", 1.0, 5.0, True, square(0, 2000, 50))]
    return a_site(zones=tuple(zones))


def raid(live=False, end=40.0):
    """Three rounds on parabolas; A warned 15 s ahead, B 13 s ahead and stopped, C warned for
    nothing; the last round is never tracked.
    """
    for t in np.arange(0.0, end, 0.25).tolist():
        gone = (t - START) / FLIGHT
        outcome = np.where(gone < 0, WAITING, np.where(gone >= 1, FELL, FLYING)).astype(np.int8)
        if t >= STOPPED_AT:
            outcome[1] = STOPPED
        position = IMPACT + (1 - gone)[:, None] * np.array([3000.0, 3000.0, 0.0])
        position[:, 2] = 4000.0 * gone * (1 - gone)
        position[outcome != FLYING] = np.nan
        t_end = np.where(outcome == FELL, START + FLIGHT, np.nan)
        if t >= STOPPED_AT:
            t_end[1] = STOPPED_AT
        rounds = TrueRounds(np.arange(3, dtype=np.int32), np.zeros(3, np.int32), outcome, position, np.zeros((3, 3)),
            outcome == FLYING,
                            (outcome != WAITING).astype(np.int32), START + FLIGHT, IMPACT, t_end)
        nothing = Truth.nothing(t)
        fights = nothing.engagements
        if t == STOPPED_AT:
            fights = Engagements(*(np.array([v], c.dtype) for v, c in zip((0, 2, 1, t), fights, strict=False)),
                np.zeros((1, 3)), np.ones(1, bool), np.array([900.0]), np.ones(1, np.int8))
        aircraft = TrueAircraft(np.array([7], np.int64), np.array([b"CIV1"], "S8"), np.zeros((1, 3)), np.zeros((1, 3)),
            np.ones(1, bool))
        truth = Truth(t, rounds, aircraft, fights, np.zeros(1, np.int32))
        frame = Frame(t, Detections.empty(1), Aircraft.empty(), Weather.still(), (), Radars.staring(1, t),
            Inputs.none(), 0.0)
        yield Moment(frame, believed(t, outcome, position), None, None if live else truth)


def believed(t, outcome, position):
    flying = np.flatnonzero(outcome[:2] == FLYING)
    n = flying.size
    state = np.column_stack([position[flying] + 10.0, np.zeros((n, 4))])
    kind = np.tile([0.95, 0.04, 0.01], (n, 1))
    number = (flying + 1).astype(np.int64)
    tracks = Tracks(number, state, np.tile(np.eye(7), (n, 1, 1)), np.full(n, t), np.zeros(n), np.ones(n, np.int32),
        kind, np.zeros(n, np.int32), np.full(n, -1, np.int64))
    place = IMPACT[flying] + np.array([30.0, 40.0, 0.0])
    impacts = Impacts(number, kind[:, 0], (START + FLIGHT)[flying], place, np.tile(np.diag([40.0**2, 40.0**2, 1.0]),
        (n, 1, 1)), np.full(n, 200.0), np.full(n, 0.8))
    rows = [(z, a, b) for z, a, b in ((0, 6.0, 30.0), (1, 10.0, 30.0), (2, 12.0, 20.0)) if a <= t <= b]
    warnings = Warnings.empty()
    if rows:
        zone, since, until = (np.array(c) for c in zip(*rows, strict=True))
        action = np.where(since == t, RAISE, np.where(until == t, CLEAR, HELD)).astype(np.int8)
        k = len(rows)
        warnings = Warnings(zone.astype(np.int32), action, since, np.full(k, 0.4), np.full(k, 0.9), np.full(k, 21.0),
            until, np.ones(k, np.int32), np.ones(k, np.int32), np.zeros(k, bool), np.full(k, 2, np.int8))
    m = len(rows)
    threats = Threats(np.full(m, number[0] if n else 1), np.array([r[0] for r in rows], np.int32),
        *(np.full(m, 0.4) for _ in range(4)))
    return Picture(t, tracks, impacts, threats, warnings, Health(np.zeros(1, np.int8), 0.0, 1, 0, 0.0))


def measured(moments, **said):
    measures = Measures(site(), **{"simulation": True, **said})
    for moment in moments:
        measures.take(moment)
    return measures


def test_the_figures_of_a_raid_counted_by_hand():
    assert measured(raid()).summary() == {
        "rounds": 3, "detected": 3, "tracked": 2, "warned": 2, "lead_time_s": 14.0, "engaged": 1, "stopped": 1,
        "fell_inside": 1, "fell_outside": 1,
        "false_warnings": 1, "aircraft": 1, "projectiles_tracked": 2, "aircraft_endangered": 0, "frames": 160,
        "detections": 160, "undecodable": 0,
        "inbound": 0, "rejected": 0, "rejected_by_cause": {}, "clock_steps": 0, "not_believed": 0, "too_late": 0,
        "unusable": 0}


def test_each_round_has_its_line():
    first, second, third = measured(raid(), classes=("mortar",)).ledger()
    assert (first.kind, first.seen_at, first.tracked_at, first.lead_time_s, first.zones) == ("mortar", 1.0, 2.0, 15.0,
        ("A",))
    assert (second.outcome, second.t_end, second.lead_time_s) == (STOPPED, STOPPED_AT, 13.0)
    assert (third.inside, third.zones, third.tracked_at, third.lead_time_s) == (False, (), None, None)
    assert {round(s.error, 6) for s in first.samples} == {50.0}
    assert all(s.covered for s in first.samples)
    assert not {"launch", "origin", "start"} & set(vars(first)), "where a round came from is not in the ledger"


def test_each_zone_has_its_line_and_a_warning_of_nothing_is_false():
    a, b, c = measured(raid()).zone_ledger()
    assert (a.hits, b.hits, c.hits) == (((0, 21.0),), ((1, 23.0),), ())
    assert [w.false for z in (a, b, c) for w in z.warnings] == [False, False, True]
    assert (c.warnings[0].raised, c.warnings[0].cleared, c.warnings[0].peak) == (12.0, 20.0, 0.9)


def test_without_truth_only_what_can_be_known_is_counted():
    summary = measured(raid(live=True), simulation=False).summary()
    assert (summary["rounds"], summary["warned"], summary["projectiles_tracked"]) == (0, 3, 2)
    assert summary["false_warnings"] is None
    assert summary["lead_time_s"] is None


def test_an_engagement_near_an_aircraft_is_counted():
    moments = [m._replace(truth=m.truth._replace(engagements=m.truth.engagements._replace(
        nearest_aircraft=m.truth.engagements.nearest_aircraft - 700.0))) for m in raid()]
    assert measured(moments).summary()["aircraft_endangered"] == 1


def test_the_hull_of_a_square_and_its_middle_is_the_square():
    corners = square(3.0, 4.0, 2.0)
    assert sorted(map(tuple, hull(np.vstack([corners, [[3.0, 4.0]], corners])))) == sorted(map(tuple, corners))


def test_a_run_cut_short_still_counts_warnings_of_rounds_yet_to_fall():
    summary = measured(raid(end=13.0)).summary()
    assert (summary["fell_inside"], summary["warned"], summary["false_warnings"]) == (0, 2, 1)


@pytest.mark.parametrize("frames", [0, 1, 60, 160])
@pytest.mark.parametrize("live", [False, True])
def test_a_report_is_one_page_that_needs_nothing_else(tmp_path, monkeypatch, frames, live):
    monkeypatch.setattr(story, "site_from", lambda sources, name: site())
    monkeypatch.setattr(story, "scenario_from", lambda sources, site: None)
    header = Header("live", 0, "test", {}) if live else Header("simulation", 0, "test", {}, "raid", {}, 1, 40.0)
    recorder = Recorder(tmp_path / "a.rec", header)
    for _, moment in zip(range(frames), raid(live), strict=False):
        recorder.take(moment)
    recorder.close()
    pages = []
    for name in "ab":
        report.write(tmp_path / "a.rec", tmp_path / f"{name}.html")
        pages.append((tmp_path / f"{name}.html").read_text())
    assert pages[0] == pages[1], "the same record gives the same page"
    page = pages[0]
    assert ("LIVE" if live else "SIMULATION") in page
    assert "<script" not in page
    assert "src=" not in page.replace("xmlns", "")
    assert "href=\"http" not in page
    assert page.count("<svg") == (3 if live else 5 if frames > 30 else 4)
    assert ("The record holds no frame." in page) == (frames == 0)
    assert ("killed" in page) == (frames in (1, 60) and not live)


def test_a_shipped_site_can_be_read_back_for_its_report(tmp_path):
    kabul = load("kabul")
    recorder = Recorder(tmp_path / "a.rec", Header("live", 0, kabul.name, kabul.sources))
    recorder.take(next(iter(raid(live=True))))
    recorder.close()
    with Record(tmp_path / "a.rec") as record:
        told = story.read(record)
    assert [z.name for z in told.site.zones] == [z.name for z in kabul.zones]
    assert replace(told.site.policy) == kabul.policy


def followed_rounds(rounds: int, boast: float) -> list[RoundLine]:
    """Rounds with twenty samples each, whose errors are `boast` times what the predictions state."""
    chance = np.random.default_rng(4)
    lines = []
    for number in range(rounds):
        line = RoundLine(number, "rocket", 30.0, (0.0, 0.0, 0.0))
        for k in range(20):
            off = boast * chance.normal(size=9)
            line.samples.append(Sample(float(k), 30.0 - k, 1.0, True, float(off[:2] @ off[:2]), float(off[2]),
                float(off[3:] @ off[3:])))
        lines.append(line)
    return lines


def test_honest_doubts_are_called_honest_and_boasts_are_not() -> None:
    honest, boasting = calibration.judge(followed_rounds(60, 1.0)), calibration.judge(followed_rounds(60, 1.6))
    assert honest is not None
    assert boasting is not None
    assert all(share.low <= share.nominal <= share.high for share in (*honest.place, *honest.time))
    assert honest.nees[1] <= 1.0 <= honest.nees[2]
    assert all(share.high < share.nominal for share in (*boasting.place, *boasting.time))
    assert boasting.nees[1] > 2.0
    assert calibration.judge([]) is None


def test_where_a_round_came_from_is_told_by_eighths_of_the_sky_and_bands_only() -> None:
    said = set()
    for bearing in np.linspace(0.0, 2.0 * math.pi, 400, endpoint=False):
        for distance in (300.0, 4_999.0, 7_000.0, 19_000.0, 60_000.0):
            line = RoundLine(0, "rocket", 30.0, (0.0, 0.0, 0.0), seen_from=(float(bearing), distance))
            said.add(report._origin(line))
    assert len(said) == 8 * 4
