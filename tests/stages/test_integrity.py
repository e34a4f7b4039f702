"""Integrity: what cannot be true is dropped and counted, silence is noticed, and a radar that
recovers is trusted again.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from builders import a_frame, a_radar, a_site, filled

from skywarden.defence import integrity
from skywarden.messages.frame import Aircraft, Detections, Radars

SITE = a_site(a_radar(), a_radar(name="approach", mode_s=True))
NOW = 100.0


def plots(n: int = 1, t: float = NOW, **columns: Any) -> Detections:
    """Sound detections of the first radar, but for the columns given."""
    sound = Detections.empty(n)._replace(
        t=np.full(n, t), range=np.full(n, 5_000.0), azimuth=np.full(n, 1.0), elevation=np.full(n, 0.3),
        range_rate=np.full(n, -150.0))
    return sound._replace(**{name: np.full(n, value, getattr(sound, name).dtype) for name, value in columns.items()})


def reports(n: int = 1, **columns: Any) -> Aircraft:
    """Sound reports, but for the columns given."""
    sound = Aircraft.empty(n)._replace(t=np.full(n, NOW), position=np.full((n, 3), 1_000.0), velocity=np.full((n, 3),
        50.0))
    return sound._replace(**{name: np.full(getattr(sound, name).shape, value) for name, value in columns.items()})


def looked(
    t: float = NOW, detections: Detections | None = None, aircraft: Aircraft | None = None, **radars: Any
) -> Any:
    return a_frame(
        t, detections=Detections.empty() if detections is None else detections, aircraft=Aircraft.empty()
        if aircraft is None else aircraft,
        radars=Radars.staring(2, t)._replace(**radars))


def test_sound_rows_pass_as_they_are() -> None:
    frame = looked(detections=plots(5), aircraft=reports(3))
    _, seen, health = integrity.examine(integrity.start(SITE), frame, SITE)
    assert seen is frame
    assert (health.detections, health.rejected, health.radars.tolist()) == (5, 0, [0, 0])


@pytest.mark.parametrize("wrong", [
    {"range": math.nan}, {"range": -5.0}, {"range": 0.0}, {"range": math.inf}, {"range": 2e6}, {"azimuth": math.nan},
    {"azimuth": -0.5}, {"azimuth": 7.0},
    {"elevation": 2.0}, {"elevation": math.inf}, {"range_rate": 1e5}, {"range_rate": -math.inf}, {"t": math.nan},
    {"t": NOW + 60.0}, {"t": NOW - 3_600.0},
    {"sensor": 2}, {"sensor": -1}, {"pressure_altitude": 1e6},
])
def test_a_detection_that_cannot_be_is_dropped_and_counted(wrong: dict[str, float]) -> None:
    both = Detections(*(np.concatenate([a, b]) for a, b in zip(plots(2), plots(1, **wrong), strict=True)))
    _, seen, health = integrity.examine(integrity.start(SITE), looked(detections=both), SITE)
    assert seen.detections.t.size == 2
    old = wrong.get("t", NOW) < NOW - integrity.OLDEST
    assert (health.detections, health.rejected, health.late) == (3, 0 if old else 1, 1 if old else 0)


@pytest.mark.parametrize("unknown", ["elevation", "range_rate", "snr", "pressure_altitude"])
def test_what_a_radar_does_not_measure_is_no_fault(unknown: str) -> None:
    _, seen, health = integrity.examine(integrity.start(SITE), looked(detections=plots(1, **{unknown: math.nan})), SITE)
    assert (seen.detections.t.size, health.rejected) == (1, 0)


@pytest.mark.parametrize("wrong", [
    {"t": math.nan}, {"t": NOW + 60.0}, {"t": NOW - 3_600.0}, {"position": 1e8}, {"position": math.inf},
    {"velocity": 5_000.0}, {"pressure_altitude": 1e5},
])
def test_a_report_that_cannot_be_is_dropped_and_counted(wrong: dict[str, float]) -> None:
    _, seen, health = integrity.examine(integrity.start(SITE), looked(aircraft=reports(1, **wrong)), SITE)
    assert (seen.aircraft.t.size, health.rejected) == (0, 1)


@pytest.mark.parametrize("unknown", ["position", "velocity", "pressure_altitude"])
def test_a_report_that_leaves_something_out_is_kept(unknown: str) -> None:
    _, seen, _ = integrity.examine(integrity.start(SITE), looked(aircraft=reports(1, **{unknown: math.nan})), SITE)
    assert seen.aircraft.t.size == 1


def test_a_radar_that_is_down_or_says_nothing_is_silent() -> None:
    for radars in ({"up": np.array([True, False])}, {"heard": np.array([NOW, NOW - 30.0])},
            {"heard": np.array([NOW, -math.inf])}):
        _, _, health = integrity.examine(integrity.start(SITE), looked(**radars), SITE)
        assert health.radars.tolist() == [0, 1]


def test_a_radar_whose_rows_cannot_be_is_doubted_and_trusted_again_when_it_recovers() -> None:
    state, states = integrity.start(SITE), []
    for k in range(80):
        t = NOW + 0.25 * k
        rows = plots(10, t, **({"range": math.nan} if k < 20 else {}))
        state, _, health = integrity.examine(state, looked(t, rows), SITE)
        states.append(health.radars.tolist())
    assert states[19] == [2, 0]
    assert states[-1] == [0, 0]


def test_lateness_is_shown() -> None:
    assert integrity.examine(integrity.start(SITE), looked()._replace(late_s=1.5), SITE)[2].late_s == 1.5


def test_junk_of_every_kind_is_survived_and_nothing_handed_in_is_changed() -> None:
    rng = np.random.default_rng(5)
    for _ in range(30):
        frame = looked(detections=filled(Detections.empty(), 50, rng), aircraft=filled(Aircraft.empty(), 50, rng))
        before = [column.tobytes() for column in (*frame.detections, *frame.aircraft)]
        _, seen, health = integrity.examine(integrity.start(SITE), frame, SITE)
        assert [column.tobytes() for column in (*frame.detections, *frame.aircraft)] == before
        assert health.rejected + health.late == 100 - seen.detections.t.size - seen.aircraft.t.size
        assert np.isfinite(seen.detections.range).all()
        assert np.isfinite(seen.detections.azimuth).all()
