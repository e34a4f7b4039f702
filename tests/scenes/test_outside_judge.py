"""The outside judge sees through who warns everybody or nobody, always says the same, exaggerates
doubt or drops weak signals; and a sample of its verdict.
"""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from outside import acceptance, curves, dummies, flight, others, places, raids, reference
from outside.__main__ import many
from outside.radar import Body, Set, look_times, observe
from outside.score import by_reference, score
from outside.table import calibration, row, scenes

RAIDS = 12                  # of single rounds, before each made-up defence
ALLOWED = {"skywarden.defence.watch", "skywarden.messages.frame", "skywarden.messages.picture", "skywarden.site.load"}
STILL = flight.world(0.0, 0.8, 0.0, 1.0, np.zeros(1), np.zeros((1, 2)))
CENTIMETRE, METRE = 0.01, 1.0


def test_the_judge_shares_no_code_with_what_it_judges():
    imported = set()
    for file in (Path(__file__).parent / "outside").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                imported.add(node.module or "")
            elif isinstance(node, ast.Import):
                imported.update(alias.name for alias in node.names)
    assert {name for name in imported if name.startswith("skywarden")} <= ALLOWED
    assert {name.split(".")[0] for name in imported} <= {"__future__", "numpy", "scipy", "numba",
        "skywarden"} | set(STANDARD)


STANDARD = (
    "argparse", "collections", "dataclasses", "datetime", "functools", "gzip", "json", "math", "multiprocessing", "os",
    "pathlib", "sys", "tempfile", "time", "typing")


def test_its_flight_without_air_is_a_parabola():
    none = flight.world(0.0, 0.0, 0.0, 1e-12, np.zeros(1), np.zeros((1, 2)))
    path = flight.fly(np.array([0.0, 0.0, 0.0, 0.0, 50.0, 80.0]), np.zeros(flight.PARAMETERS), curves.standard("G1"),
        none)
    gravity = 9.7803
    assert path.end == pytest.approx(2.0 * 80.0 / gravity, abs=0.01)
    assert path.place[1] == pytest.approx(50.0 * path.end, abs=METRE)
    assert abs(path.place[2]) < CENTIMETRE


def test_its_curves_keep_the_mean_drag_of_their_standard_and_differ_in_shape():
    draw = np.random.default_rng(3)
    middle = (curves.MACH >= curves.MEAN_FROM) & (curves.MACH <= curves.MEAN_TO)
    drawn = np.stack([curves.drawn(curves.ORDINARY, "G7", draw) for _ in range(50)])
    assert drawn[:, middle].mean(1) == pytest.approx(curves.standard("G7")[middle].mean())
    assert (drawn > 0.0).all()
    assert drawn[:, curves.MACH == 0.5].std() > 0.015


def test_its_radar_detects_as_its_closed_form_says_and_errs_as_declared():
    radar = Set(false_alarms=1e-9)
    hover = np.tile([6000.0, 3000.0, 2000.0], (20 * 400, 1))
    body = Body(others.sampled(hover), 0.02, 1.0, "round")
    plots = observe(radar, [body], 400.0, np.random.default_rng(1))
    snr = 10.0**1.6 * 0.02 * (24_000.0 / np.linalg.norm(hover[0] - radar.place)) ** 4
    looks = len(look_times(radar, body, 400.0))
    assert len(plots.t) / looks == pytest.approx(np.exp(-radar.threshold / (1.0 + snr)), abs=0.04)
    true = np.linalg.norm(hover[0] - radar.place)
    spread = np.sqrt(np.maximum(10.0**1.6 / plots.power, 0.01)) * radar.sigma[0]
    assert np.std((plots.polar[:, 0] - true) / spread) == pytest.approx(1.0, abs=0.08)


def test_distance_to_a_polygon_is_nought_inside_and_that_of_its_nearest_edge_outside():
    square = np.array([[0.0, 0.0], [10.0, 0.0], [10.0, 10.0], [0.0, 10.0]])
    assert places.distance(np.array([[5.0, 5.0], [13.0, 14.0], [-2.0, 5.0]]), square) == pytest.approx([0.0, 5.0, 2.0])


def test_a_raid_is_the_same_for_the_same_seed_and_some_fall_beside_every_zone():
    first, again = raids.drawn(raids.CASES["mixed"], 7), raids.drawn(raids.CASES["mixed"], 7)
    assert all((a.body.path.place == b.body.path.place).all() for a, b in zip(first.rounds, again.rounds, strict=True))
    apart = []
    for seed in range(20):
        raid = raids.drawn(raids.CASES["near"], seed)
        spot = np.mean([r.body.path.place[:2] for r in raid.rounds], axis=0)
        apart.append(min(float(places.distance(spot[None], zone.ring)[0]) for _,
            zone in raids.zones_that_warn(raid.place)))
    assert sum(50.0 < far < 600.0 for far in apart) >= 3
    assert sum(far < 50.0 for far in apart) >= 8


def test_the_reference_reaches_the_ground_where_the_round_does():
    case = replace(raids.CASES["mortar"], salvo=(1,), birds=0, aircraft=0)
    inside = []
    for seed in range(12):
        raid = raids.drawn(case, 400 + seed)
        fit = reference.prepared(raid, dummies.seen(raid), 0)
        path = raid.rounds[0].body.path
        expected, _ = reference.foresee(fit, path.end - 3.0, reference.believed_world(raid.place))
        off = expected.place - path.place[:2]
        assert np.hypot(*off) < 5.0 * METRE
        inside.append(off @ np.linalg.solve(expected.covariance, off) <= 4.605)
    assert np.mean(inside) >= 0.7


def test_an_honest_probability_has_slope_one_and_an_exaggerated_one_less():
    draw = np.random.default_rng(5)
    p = draw.uniform(0.02, 0.98, 4000)
    truth = (draw.random(4000) < p).astype(float)
    slope, error, cut = calibration(p, truth, np.arange(4000) // 4)
    assert abs(slope - 1.0) < 3.0 * error < 0.1
    assert abs(cut) < 0.05
    shy = np.clip(0.5 + 1.6 * (p - 0.5), 0.0, 1.0)
    assert calibration(shy, truth, np.arange(4000) // 4)[0] < 0.85


@pytest.fixture(scope="module")
def verdicts():
    """Which bars each made-up defence falls short of, over the same single rounds."""
    case = [replace(raids.CASES[kind], salvo=(1,), birds=0, aircraft=0) for kind in ("near", "mortar")]
    found: dict[str, list] = {}
    for number in range(RAIDS):
        raid, beside = raids.drawn(case[number % 2], 5000 + number), None
        for name, told in dummies.defences(raid).items():
            scored = score(raid, told, number)
            beside = beside or by_reference(raid, told, scored)
            found.setdefault(name, []).append(scored._replace(reference=beside[0], expected=beside[1]))
    return found


@pytest.mark.parametrize(("cheat", "betrayed"), [
    ("warns everybody", {"far", "minutes"}), ("warns nobody", {"missed", "lead"}), ("a constant probability",
        {"brier 10 s", "brier 5 s"}),
    ("ellipses times 1.5", {"area 10 s", "area 5 s"}), ("drops weak signals", {"missed"})])
def test_each_cheat_is_found_out_and_the_honest_defence_is_not(cheat, betrayed, verdicts, monkeypatch):
    monkeypatch.setattr(acceptance, "FEWEST", 8)
    assert betrayed <= acceptance.short(verdicts[cheat])
    assert not betrayed & acceptance.short(verdicts["honest"])


@pytest.mark.parametrize("kind", ["near", "mortar"])
def test_a_sample_of_raids_is_warned_of_in_time_and_nobody_far_away(kind):
    found = many(kind, 4, 3)
    figures = row(found)
    assert (figures["missed"], figures["far"], figures["never_believed"]) == (0, 0, 0)
    assert figures["eligible"] >= 2
    assert figures["tracks_a_round"] <= acceptance.TRACKS


def test_a_sample_of_drones_is_named_before_they_are_there():
    figures = scenes(many("drone_hit", 3, 3))
    assert figures["warned"] == figures["hits"] > 0
    assert figures["lead_s"] > 10.0


@pytest.mark.parametrize("manner", ["dive", "parabola", "helicopter", "birds"])
def test_a_sample_of_what_flies_is_no_raid(manner):
    figures = scenes(many(manner, 1, 3))
    assert (figures["alarmed"], figures["named"]) == (0, 0)
    assert figures["tracked"] >= others.TOGETHER
