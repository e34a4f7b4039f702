"""The adapter for Stone Soup: its own reader in front, its own metric behind, and what is refused."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

import numpy as np
import pytest
from builders import a_radar, a_site
from naive import seen_from

from skywarden.errors import TableError
from skywarden.kernels.estimation.motion import STATES, flow

pytest.importorskip("stonesoup", reason="Stone Soup is not installed: pip install 'skywarden[stonesoup]'")

from stonesoup.dataassociator.tracktotrack import TrackToTruth
from stonesoup.measures import Euclidean
from stonesoup.metricgenerator.manager import MultiManager
from stonesoup.metricgenerator.ospametric import OSPAMetric
from stonesoup.metricgenerator.tracktotruthmetrics import SIAPMetrics
from stonesoup.models.measurement.nonlinear import (
    CartesianToBearingRange,
    CartesianToElevationBearingRange,
    CartesianToElevationBearingRangeRate,
)
from stonesoup.reader.generic import CSVDetectionReader
from stonesoup.types.detection import Detection
from stonesoup.types.groundtruth import GroundTruthPath, GroundTruthState

from skywarden.bridges.stonesoup import ORDER, track

PLACE = np.array([-250.0, 120.0, 12.0])
SITE = a_site(a_radar(place=np.array([5_000.0, 0.0, 0.0]), name="other"), a_radar(place=PLACE))
NOISE = np.array([3e-3, 3e-3, 15.0, 1.5])        # elevation, bearing, range, range rate of that radar
BEGIN = datetime(2026, 3, 1, 22, 0, 0)
ROUNDS = ([-2400.0, 1500.0, 20.0, 90.0, -38.0, 155.0], [2600.0, 1900.0, 20.0, -95.0, -60.0, 150.0],
    [900.0, -2700.0, 20.0, -20.0, 110.0, 140.0])
FRAMES = 100


def a_model(kind=CartesianToElevationBearingRangeRate, place=PLACE, **more):
    size = 3 if kind is CartesianToElevationBearingRange else 4
    return kind(ndim_state=6, mapping=(0, 2, 4), noise_covar=np.diag(NOISE[:size] ** 2), translation_offset=place[:,
        None], **more)


@pytest.fixture(scope="module")
def scene():
    """Three mortar rounds: their truth as Stone Soup keeps it, and what the radar sees of them,
    rows of a time and z (4,).
    """
    rng, truth, seen = np.random.default_rng(3), [], []
    for n, begin in enumerate(ROUNDS):
        x = np.array([*begin, 2.5, 0.0, 0.0])
        path = GroundTruthPath(id=str(n))
        for k in range(FRAMES):
            now = BEGIN + timedelta(seconds=0.25 * k)
            path.append(GroundTruthState(x[ORDER], timestamp=now))
            far, azimuth, elevation, rate = seen_from(x[:3], x[3:6], PLACE)
            if elevation > math.radians(1.0) and rng.random() < 0.9:
                seen.append((now, np.array([elevation, math.pi / 2.0 - azimuth, far, rate])
                    + rng.normal(size=4) * NOISE))
            flow(x, 0.25, 0, SITE.drags, SITE.air, SITE.earth, 7, np.zeros((6, STATES)))
        truth.append(path)
    return set(truth), sorted(seen, key=lambda row: row[0])


def grouped(seen, **more):
    """The rows as a detector gives them: (time, set of Detection)."""
    for now in sorted({row[0] for row in seen}):
        yield now, {Detection(z, timestamp=t, **more) for t, z in seen if t == now}


def test_stone_soups_reader_in_front_and_its_metrics_behind(scene, tmp_path):
    truth, seen = scene
    lines = ["time,elevation,bearing,range,rate", *(",".join([t.isoformat(), *(repr(float(v)) for v in z)]) for t,
        z in seen)]
    (tmp_path / "d.csv").write_text("\n".join(lines))
    reader = CSVDetectionReader(tmp_path / "d.csv", state_vector_fields=("elevation", "bearing", "range", "rate"),
        time_field="time")
    ospa = OSPAMetric(c=200.0, p=1, measure=Euclidean((0, 2, 4)))
    siap = SIAPMetrics(position_measure=Euclidean((0, 2, 4)), velocity_measure=Euclidean((1, 3, 5)))
    manager = MultiManager([ospa, siap], associator=TrackToTruth(association_threshold=100.0))
    tracks, times = set(), []
    for now, held in track(reader, SITE, model=a_model()):
        times.append(now)
        tracks |= held
        assert all(one.timestamp == now for one in held)
    first, last = seen[0][0], seen[-1][0]
    assert times == [first + timedelta(seconds=0.25 * k) for k in range(len(times))]
    assert times[-1] == last
    assert len(tracks) == 3
    assert {type(one.id) for one in tracks} == {str}
    assert all(one.metadata["p_projectile"] > 0.95 for one in tracks)
    late = first + timedelta(seconds=5.0)
    cut = {GroundTruthPath([s for s in path if late <= s.timestamp <= last]) for path in truth}
    manager.add_data({"tracks": {one[late:] for one in tracks}, "groundtruth_paths": cut})
    metrics = manager.generate_metrics()
    mean_ospa = np.mean([m.value for m in metrics["ospa_generator"]["OSPA distances"].value])
    found = {name: metric.value for name, metric in metrics["siap_generator"].items() if not name.endswith("at times")}
    assert mean_ospa < 15.0     # m, a count that is off by one costs 50
    assert found["SIAP Completeness"] == pytest.approx(1.0, abs=0.02)
    assert found["SIAP Spuriousness"] == 0.0
    assert found["SIAP Velocity Accuracy"] < 5.0        # m/s, of all three together
    # the covariance is in the same order as the state: errors are as large as it says
    ratio = []
    for one in tracks:
        path = min(truth, key=lambda p: np.linalg.norm(p[one[-1].timestamp].state_vector - one[-1].state_vector))
        for s in one[late:]:
            off = np.asarray(s.state_vector - path[s.timestamp].state_vector, float).ravel()
            ratio.append(off @ np.linalg.solve(np.asarray(s.covar, float), off) / 6.0)
    assert 0.3 < np.mean(ratio) < 3.0


def test_models_on_the_detections_rotated_or_without_doppler_say_the_same(scene):
    _, seen = scene
    seen = [row for row in seen if row[0] < BEGIN + timedelta(seconds=6.0)]
    plain = list(track(grouped(seen), SITE, model=a_model()))
    turned = a_model(rotation_offset=np.array([[0.0], [0.0], [0.4]]))
    level = [(t, z - [0.0, 0.4, 0.0, 0.0]) for t, z in seen]
    again = list(track(grouped(level, measurement_model=turned), SITE))
    assert [(t, {one.id for one in held}) for t, held in again] == [(t, {one.id for one in held}) for t, held in plain]
    for a, b in zip(sorted(plain[-1][1], key=lambda o: o.id), sorted(again[-1][1], key=lambda o: o.id), strict=True):
        np.testing.assert_allclose(np.asarray(a.state_vector, float), np.asarray(b.state_vector, float), rtol=1e-6,
            atol=1e-4)
    without = list(track(grouped([(t, z[:3]) for t, z in seen],
        measurement_model=a_model(CartesianToElevationBearingRange)), SITE))
    assert len(without[-1][1]) == 3
    shifted = next(iter(track(grouped(seen), SITE, model=a_model(), epoch=BEGIN - timedelta(seconds=0.1))))
    assert shifted[0] == seen[0][0] + timedelta(seconds=0.15)       # frames at 0.15, 0.40 s after the radar's looks


@pytest.mark.parametrize(("change", "says"), [
    ({"model": None}, "has no measurement model"),
    ({"model": a_model(place=PLACE + 3.0)},
        r"(?s)no radar of site .* stands at .*-247\.0.*benchmark at -250\.0, 120\.0, 12\.0"),
    ({"model": a_model(velocity=np.array([[9.0], [0.0], [0.0]]))}, "sensor moves"),
    ({"model": a_model(CartesianToElevationBearingRange)}, "is no measurement of"),
    ({"model": CartesianToBearingRange(ndim_state=6, mapping=(0, 2), noise_covar=np.eye(2))},
        "CartesianToBearingRange is not understood"),
    ({"z": [0.3, 0.1, math.nan, 3.0]}, "is no measurement of"),
    ({"z": [2.0, 0.1, 4000.0, 3.0]}, "is no measurement of"),
    ({"stamp": BEGIN + timedelta(seconds=1.0)}, "comes at"),
    ({"before": BEGIN + timedelta(seconds=1.0)}, "TimeBufferedFeeder"),
    ({"before": BEGIN - timedelta(days=900)}, "one session"),
    ({"before": datetime.fromisoformat("2026-03-01T21:00:00+00:00")}, "cannot be compared"),
])
def test_what_cannot_be_understood_is_refused_with_a_sentence(change, says):
    d = Detection(change.get("z", [0.3, 0.1, 4000.0, 3.0]), timestamp=change.get("stamp", BEGIN))
    given = [(BEGIN, {d})]
    if "before" in change:
        given.insert(0, (change["before"], set()))
    with pytest.raises(TableError, match=says):
        list(track(given, SITE, model=change.get("model", a_model())))


def test_an_empty_file_gives_no_frame():
    assert list(track([(None, set())], SITE)) == []


def test_the_adapter_is_still_found_by_the_name_it_had_before():
    import skywarden.stonesoup

    import skywarden.bridges.stonesoup

    assert skywarden.stonesoup.track is skywarden.bridges.stonesoup.track
