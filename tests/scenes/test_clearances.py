"""Random engagements: none that was released meets an aircraft that somebody could see, and holding
is not the answer to everything.
"""

from __future__ import annotations

import json
import math
import os
from typing import Any

import numpy as np
import pytest
from builders import a_frame, a_picture, an_effector
from engagements import ACCURACIES, DENSITIES, INTEGRITIES, NOBODY, NOW, oracle, scene, site_of, truly
from evidence_store import KEPT, state_of_sources

from skywarden.messages.drill import AIRCRAFT_NEAR, CLEAR_TO_ENGAGE, UNKNOWN_NEAR
from skywarden.messages.frame import Aircraft
from skywarden.rehearsal import clearance, fragments, separation
from skywarden.rehearsal.aircraft.lost import MANOEUVRE, SIGMAS
from skywarden.rehearsal.aircraft.reachable import Tubes, tubes_of
from skywarden.rehearsal.aircraft.reports import heard, remembered
from skywarden.rehearsal.corridor import MISALIGNED, WIDTH, Corridor, burn_out, corridor_of, look_ahead
from skywarden.rehearsal.fallout import Below

TARGET = int(os.environ.get("SKYWARDEN_ENGAGEMENTS", "1000000"))
CHUNK = 10_000


def engagements(seed: int, count: int) -> dict[str, Any]:
    """So many engagements of one seed: how many were asked, released, met an aircraft, and how many
    of the oracle's were released, by stratum.
    """
    rng = np.random.default_rng([5, seed])
    got: dict[str, Any] = {"asked": 0, "released": 0, "met": 0, "met_unseen": 0, "bound": 0.0, "least": math.inf,
        "strata": {}}
    site: Any = None
    while got["asked"] < count:
        if site is None or got["asked"] % 40 == 0:
            site = site_of(rng)
        _one(scene(rng, site), got)
    return got


def _one(s: Any, got: dict[str, Any]) -> None:
    """The engagements of one scene."""
    tubes = tubes_of(heard(remembered(Aircraft.empty(), s.frame), s.frame, s.site), s.frame, s.picture, s.site)
    for row in (0, 1):
        ahead = look_ahead(row, s.picture, s.frame, s.site)
        for k, effector in enumerate(s.site.effectors):
            got["asked"] += 1
            space = corridor_of(ahead, effector)
            if space is None or not space.t_from - NOW <= effector.reaction_s + clearance.AHEAD:
                continue
            answer = clearance.clear(row, k, space, tubes, s.frame, s.picture, s.site)
            light, steers = math.isinf(effector.speed), effector.kind == "interceptor"
            flight = (effector.place, effector.speed, burn_out(effector), space.t_from, space.t_hit)
            if answer.cleared:
                got["released"] += 1
                got["bound"] += answer.evidence.bound
                gap = truly(s.truth, s.rounds[row], *flight, space.t_to, effector.engagement_s, steers, light)
                near = gap < s.site.policy.safety_distance
                got["met"] += bool((near & (s.known != NOBODY)).any())
                got["met_unseen"] += bool((near & (s.known == NOBODY)).any())
                got["least"] = min(got["least"], float(np.min(gap, where=s.known != NOBODY, initial=math.inf)))
            if answer.reason in (CLEAR_TO_ENGAGE, AIRCRAFT_NEAR, UNKNOWN_NEAR):
                told = (
                    s.picture.tracks.state[row, :6], WIDTH, MISALIGNED, s.site.radars[0].place, effector.reach_min,
                    *flight, effector.engagement_s, steers,
                    light, tubes.t, tubes.seen, tubes.position, tubes.velocity, tubes.covariance, tubes.extra,
                    tubes.blind, SIGMAS, MANOEUVRE,
                    separation.BLIND_PACE, separation.FASTEST, separation.SLOW, separation.QUICK)
                safety = s.site.policy.safety_distance
                free = oracle(*told, False) >= safety
                free_untimed = free and oracle(*told, True) >= safety
                # the oracle knows of no debris: held although no tube comes near
                debris = not answer.cleared and answer.distance >= safety
                for name in (f"{DENSITIES[s.stratum[0]]} aircraft", f"{ACCURACIES[s.stratum[1]]:.0f} m tracks",
                        INTEGRITIES[s.stratum[2]]):
                    tally = got["strata"].setdefault(name, [0] * 6)
                    for k, allowed in ((0, free), (3, free_untimed)):
                        tally[k] += allowed
                        tally[k + 1] += allowed and answer.cleared
                        tally[k + 2] += allowed and debris


def added(a: dict[str, Any], b: dict[str, Any]) -> dict[str, Any]:
    """Both tallies together."""
    strata = {name: [a["strata"].get(name, [0] * 6)[k] + b["strata"].get(name, [0] * 6)[k] for k in range(6)]
        for name in {*a["strata"], *b["strata"]}}
    return {**{name: a[name] + b[name] for name in a if name not in ("strata", "least")}, "least": min(a["least"],
        b["least"]), "strata": strata}


def test_no_engagement_released_meets_an_aircraft_that_could_be_seen_and_nine_in_ten_of_the_oracles_are_released(

) -> None:
    got = engagements(0, 2_400)
    assert got["met"] == 0
    assert got["released"] >= 200
    for name, (allowed, released, debris, *_) in got["strata"].items():
        assert released + debris >= 0.85 * allowed or allowed < 100, (name, allowed, released, debris)
    assert sum(r for _, r, *_ in got["strata"].values()) >= 0.9 * sum(a for a, *_ in got["strata"].values())


@pytest.mark.prove
def test_a_million_engagements(evidence: Any) -> None:
    """Resumable by chunks: what has been run of these very sources is not run again."""
    KEPT.mkdir(exist_ok=True)
    file = KEPT / f"engagements-{state_of_sources()}.json"
    done: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    while len(done) * CHUNK < TARGET:
        seed = 1 + len(done)
        done[str(seed)] = engagements(seed, CHUNK)
        file.write_text(json.dumps(done))
        total: dict[str, Any] = {}
        for part in done.values():
            total = added(total, part) if total else part
        _write(total, evidence)
    assert total["met"] == 0
    for name, (*_, allowed, released, debris) in total["strata"].items():
        assert released + debris >= 0.9 * allowed, (name, allowed, released, debris)


def _write(total: dict[str, Any], evidence: Any) -> None:
    bound = 3.0 / total["asked"]
    evidence(
        "clearances", "engagements", asked=f"{total['asked']:,}", released=f"{total['released']:,}",
        met_an_aircraft=total["met"],
        less_than_at_95_percent="" if total["met"]
        else f"{bound:.1e} of those asked, {3.0 / max(total['released'], 1):.1e} of those released",
        met_one_nobody_could_see=total["met_unseen"], nearest=f"{total['least']:.0f} m",
        mean_bound=f"{total['bound'] / max(total['released'], 1):.1e}")
    for page, first in (("clearances-released", 3), ("clearances-released-timed", 0)):
        for name, tally in total["strata"].items():
            allowed, released, debris = tally[first : first + 3]
            evidence(
                page, name, oracle_would_release=f"{allowed:,}", released=f"{released:,}",
                share=f"{released / allowed:.3f}", held_for_debris_alone=debris,
                share_with_these=f"{(released + debris) / allowed:.3f}")


def a_beam(far: float = 3_000.0, spread: float = 0.02) -> Corridor:
    """One line upwards, occupied for one moment."""
    end = np.array([0.6, 0.0, 0.8]) * far
    return Corridor(NOW, NOW, NOW, np.zeros(3), 0.5 * end, 0.4 * far, np.array([end, end]), spread)


def test_the_part_for_aircraft_outside_their_containment_bounds_the_tail_down_to_what_it_claims() -> None:
    """By importance sampling: errors drawn about the place where they begin to matter, weighted back."""
    rng = np.random.default_rng(11)
    space, safety, n = a_beam(), 300.0, 200_000
    for sigma, away in ((40.0, 550.0), (25.0, 465.0), (15.0, 415.0), (60.0, 640.0)):
        across = np.array([0.8, 0.0, -0.6])
        place = space.ends[0] * 0.5 + across * away
        covariance = np.zeros((1, 6, 6))
        covariance[0, :3, :3] = np.diag([sigma**2, (0.5 * sigma) ** 2, (0.7 * sigma) ** 2])
        one, no = np.full(1, NOW), np.zeros(1, bool)
        tube = Tubes(np.zeros(1, int), np.zeros(1, int), no, ~no, one, one, place[None, :], np.zeros((1, 3)),
            covariance, np.zeros(1), no)
        gap, _, _, risk, *_ = separation.separation(space, tube, safety, np.zeros(11))
        deviation = np.sqrt(np.diag(covariance[0])[:3])
        # shifted towards the line as far as the tail lies
        sigma_across = math.sqrt(float(across**2 @ deviation**2))
        shift = -across * deviation**2 / sigma_across**2 * (float(gap[0]) - safety + SIGMAS * sigma_across)
        z = rng.normal(size=(n, 3)) * deviation
        there = place + shift + z
        weight = np.exp(-((shift + z) ** 2 / deviation**2).sum(axis=1) / 2.0 + (z**2 / deviation**2).sum(axis=1) / 2.0)
        line = space.ends[0] / np.linalg.norm(space.ends[0])
        along = np.clip(there @ line, 0.0, 3_000.0)
        # the cone is the union of its spheres
        met = np.min([np.linalg.norm(there - np.clip(along + step, 0.0, 3_000.0)[:, None] * line,
            axis=1) - space.spread * np.clip(along + step, 0.0, 3_000.0)
                      for step in (-20.0, 0.0, 10.0, 20.0, 40.0)], axis=0) < safety
        truly_so = float(weight[met].sum()) / n
        assert 1e-12 < truly_so <= 1.05 * float(risk[0]), (sigma, away, truly_so, risk)
        assert float(risk[0]) <= 6.0 * truly_so


def test_the_part_for_aircraft_nobody_sees_covers_the_air_about_the_space() -> None:
    rng = np.random.default_rng(12)
    effector = an_effector(reach_max=3_000.0)
    fan = np.array([[math.sin(a) * 0.6, math.cos(a) * 0.6, 0.8] for a in np.linspace(0.0, 0.5, 13)]) * 3_000.0
    space = Corridor(NOW, NOW + 1.0, NOW + 4.0, np.zeros(3), 0.5 * fan[0], 1_200.0, fan, 0.03)
    scene_ = scene(rng, site_of(rng))
    none = tubes_of(heard(Aircraft.empty(), a_frame(NOW), scene_.site), a_frame(NOW), a_picture(NOW), scene_.site)
    nothing = separation.Separation(*(np.zeros(0),) * 7)
    below = Below(0.0, 1.0, np.zeros(11), 0.0, np.zeros((4, 5)))
    unseen, outside, claims, fragments = clearance._bound(space, none, nothing, below, effector, scene_.site,
        a_frame(NOW))
    assert (outside, claims, fragments) == (0.0, 0.0, 0.0)
    low, high = np.array([-900.0, -900.0, -900.0]), np.array([3_000.0, 3_000.0, 3_500.0])
    spots = rng.uniform(low, high, (40_000, 3))
    near = np.full(len(spots), np.inf)
    for line in fan:
        for share in np.linspace(0.0, 1.0, 60):
            near = np.minimum(near, np.linalg.norm(spots - share * line, axis=1) - 0.03 * share * 3_000.0)
    volume = float((near < 300.0).mean()) * float(np.prod(high - low)) * 1e-9
    assert volume * clearance.UNSEEN <= unseen <= 10.0 * volume * clearance.UNSEEN


def test_the_parts_for_wrong_claims_and_for_pieces_bound_what_happens() -> None:
    rng = np.random.default_rng(13)
    # of n aircraft whose broadcasts fail at the assumed rate, some time within T: never more often than the sum says
    n, seconds = 40, 30.0
    failed = 1.0 - math.exp(-clearance.CLAIM_WRONG / 3_600.0 * n * seconds)
    assert failed <= clearance.CLAIM_WRONG / 3_600.0 * n * seconds
    # pieces evenly over a circle, an aircraft of AIRFRAME anywhere in it: at least one meets it no more often than
    # their number times its share
    radius, pieces, runs = 150.0, 30, 20_000
    half = math.sqrt(fragments.AIRFRAME / math.pi)
    spot = radius * np.sqrt(rng.random((runs, pieces, 1)))
    turn = 2.0 * math.pi * rng.random((runs, pieces, 1))
    hit = (np.hypot(spot * np.cos(turn) - 60.0, spot * np.sin(turn)) < half).any(axis=(1, 2)).mean()
    assert hit <= 1.1 * pieces * fragments.AIRFRAME / (math.pi * radius**2)
