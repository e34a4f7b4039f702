"""What comes down after a simulated interception: fragments, rounds broken off but whole,
interceptors and burst rounds that did not destroy themselves.

All of it illustrative. Pieces that a radar can see are flown as paths; spent rounds of a burst are
too small to be seen and only land.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skywarden.kernels.ballistics.air import Air
from skywarden.kernels.ballistics.fall import fall
from skywarden.kernels.ballistics.path import Path, fly, state_at
from skywarden.messages.truth import DUD, FRAGMENT, KILLED, LIVE, PARTLY, SPENT, Remains
from skywarden.simulator.scenario.model import Scenario
from skywarden.simulator.sensing.chance import Keyed
from skywarden.simulator.sensing.targets import DEBRIS, DEBRIS_KEY, Targets
from skywarden.simulator.world.rounds import STEP, Rounds, states
from skywarden.site.model import Effector, Site

Array = NDArray[Any]

FRAGMENTS = 5               # pieces of a stopped round worth following
FRAGMENT_COEFFICIENT = 60.0  # kg/m², m / (Cd A); torn metal, tumbling: order of magnitude
TUMBLING = 0                # their drag law, constant: a scenario's first
SCATTER = 50.0              # m/s, standard deviation of a fragment's velocity about what it kept
KEPT = (0.4, 0.9)           # share of the round's velocity that a fragment keeps
BROKEN = 3.0                # times the drag of the round it was: broken off, but whole
BODY_COEFFICIENT = 1_500.0  # kg/m², of an interceptor that did not destroy itself
SPENT_COEFFICIENT = 400.0   # kg/m², of a burst's round
SECTION = {FRAGMENT: 0.003, LIVE: 0.01, SPENT: 0.02}    # m², mean radar cross-section of what is flown
KEYS = 4                    # draws of chance that each engagement has to itself
SEEN = 96                   # pieces in the air that radars can see at a time; further ones only land
LONGEST = 120.0             # s of fall
TOLERANCE = 1e-6            # of a flight
FASTEST = 2_000.0           # m/s, of anything that comes down


class Debris(NamedTuple):
    """Everything in the air after interceptions: the paths, of which sort each is, and the row that
    radars know it by.
    """

    paths: Rounds
    sort: Array         # (n,) int8 FRAGMENT, LIVE or SPENT
    row: Array          # (n,) int64 below SEEN


def none() -> Debris:
    """Nothing in the air."""
    return _debris([])


def left_by(
    outcome: int, number: int, kind: int, t: float, state: Array, effector: Effector, first: int, scenario: Scenario,
    site: Site, air: Air, luck: Keyed,
) -> tuple[Debris, Remains]:
    """What one engagement leaves: paths from its time on, and where all of it comes down.

    outcome      of the engagement, as in `Engagements.outcome`
    number, kind the round's number and class; -1 where none was there
    state        (6,) of the round when it was met
    first        how many pieces this run has had before: the key of their chance
    t            time of the engagement [s]
    effector     the simulated effector, as declared
    scenario     the scenario as it was read
    site         the site as its defender declared it
    air          density, speed of sound and wind over height
    luck         random numbers by key
    """
    pieces: list[_Piece] = []
    if outcome in (KILLED, PARTLY):
        pieces = _broken(outcome, kind, state, first, scenario, luck)
    elif outcome == DUD:
        line = state[:3] - effector.place
        pieces = [_Piece(SPENT, np.concatenate([state[:3], _along(line, effector)]), _plain_law(scenario),
            1.0 / BODY_COEFFICIENT)]
    flown = [(piece, fly(piece.state, piece.law, piece.inverse, site.ground, scenario.drags, air, site.earth, LONGEST,
        TOLERANCE)) for piece in pieces]
    flown = [(piece, path) for piece, path in flown if path.landed]
    debris = _debris([(_Flight(piece.sort, t, path), -1) for piece, path in flown])
    fallen = [(piece.sort, t + float(path.t[-1]), path.state[-1, :3]) for piece, path in flown]
    if effector.kind == "gun":
        fallen += _burst(t, state, effector, first, scenario, site, air, luck)
    return debris, Remains(
        np.full(len(fallen), number, np.int32), np.array([f[0] for f in fallen], np.int8),
        np.array([f[1] for f in fallen], float),
        np.array([f[2] for f in fallen], float).reshape(-1, 3))


def joined(before: Debris, new: Debris, t: float) -> Debris:
    """What is still in the air at t, each in the row it had, and the new pieces in rows that are
    free, as far as there are any.

    before  debris that is there already
    """
    still = [(_kept(before, k), int(before.row[k])) for k in np.flatnonzero(before.paths.t_impact > t).tolist()]
    free = iter(sorted(set(range(SEEN)) - {row for _, row in still}))
    return _debris(still + [(_kept(new, k), row) for k, row in zip(range(len(new.sort)), free, strict=False)])


def seen(debris: Debris, t: float) -> Targets:
    """What radars might see of it at t: always SEEN rows.

    debris  debris in the air or on the ground
    """
    position, velocity, section = np.full((SEEN, 3), np.nan), np.full((SEEN, 3), np.nan), np.full(SEEN,
        SECTION[FRAGMENT])
    if len(debris.sort):
        there = states(debris.paths, t)
        position[debris.row], velocity[debris.row] = there[:, :3], there[:, 3:]
        section[debris.row] = [SECTION[int(sort)] for sort in debris.sort]
    return Targets.plain(DEBRIS_KEY + np.arange(SEEN), np.full(SEEN, DEBRIS), position, velocity, section,
        np.ones(SEEN, np.int64))


class _Piece(NamedTuple):
    sort: int
    state: Array        # (6,) when it comes into being
    law: int
    inverse: float      # 1 / BC [m²/kg]


class _Flight(NamedTuple):
    """One path, from a flight just flown, or as it stood in a table of them."""

    sort: int
    begin: float        # [s]
    flown: Any          # Path, or (end [s], points (k, 6))


def _broken(outcome: int, kind: int, state: Array, first: int, scenario: Scenario, luck: Keyed) -> list[_Piece]:
    """Fragments of a round that was met; broken off but whole, it is one of the pieces."""
    declared = scenario.classes[kind]
    pieces = []
    if outcome == PARTLY:
        off = 0.5 * SCATTER * luck.normal(first, np.array([1_000]), 3)[0]
        pieces.append(_Piece(LIVE, np.concatenate([state[:3], 0.7 * state[3:] + off]), declared.law,
            BROKEN / declared.coefficient))
    share = luck.uniform(first, np.arange(FRAGMENTS), 1)[:, 0]
    off = SCATTER * luck.normal(first + 1, np.arange(FRAGMENTS), 3)
    for k in range(FRAGMENTS - len(pieces)):
        velocity = (KEPT[0] + (KEPT[1] - KEPT[0]) * share[k]) * state[3:] + off[k]
        pieces.append(_Piece(FRAGMENT, np.concatenate([state[:3], velocity]), TUMBLING, 1.0 / FRAGMENT_COEFFICIENT))
    return pieces


def _burst(
    t: float, state: Array, effector: Effector, first: int, scenario: Scenario, site: Site, air: Air, luck: Keyed,
) -> list[tuple[int, float, Array]]:
    """Rounds of a burst that did not destroy themselves, and where they land, straight on from the
    effector past the place of the meeting.
    """
    failed = int((luck.uniform(first + 2, np.arange(effector.burst), 1)[:, 0] < effector.dud_share).sum())
    if not failed:
        return []
    start = np.concatenate([effector.place, _along(state[:3] - effector.place, effector)])
    begin = np.repeat(start[None], failed, axis=0)
    begin[:, 3:] += 0.005 * effector.speed * luck.normal(first + 3, np.arange(failed), 3)
    law, inverse = np.full(failed, _plain_law(scenario)), np.full(failed, 1.0 / SPENT_COEFFICIENT)
    falls = fall(begin, law, inverse, site.ground, scenario.drags, air, site.earth, LONGEST)
    return [(SPENT, t + float(falls.t[k]), falls.position[k]) for k in range(failed) if math.isfinite(falls.t[k])]


def _along(line: Array, effector: Effector) -> Array:
    """The effect's velocity along a line."""
    return np.asarray(min(effector.speed, FASTEST) * line / max(float(np.linalg.norm(line)), 1.0))


def _plain_law(scenario: Scenario) -> int:
    """The drag law of tumbling pieces: the scenario's first, whatever that is."""
    return scenario.classes[0].law if scenario.classes else 0


def _kept(debris: Debris, k: int) -> _Flight:
    paths = debris.paths
    return _Flight(int(debris.sort[k]), float(paths.t_launch[k]), (float(paths.t_impact[k]),
        paths.points[paths.first[k] : paths.first[k + 1]]))


def _debris(flights: list[tuple[_Flight, int]]) -> Debris:
    ends, points = [], []
    for flight, _ in flights:
        if isinstance(flight.flown, Path):
            last = float(flight.flown.t[-1])
            ends.append(flight.begin + last)
            points.append(state_at(flight.flown, np.linspace(0.0, last, max(math.ceil(last / STEP), 1) + 1)))
        else:
            ends.append(flight.flown[0])
            points.append(flight.flown[1])
    n = len(flights)
    first = np.concatenate([[0], np.cumsum([len(p) for p in points])]).astype(np.int64)
    return Debris(
        Rounds(
            np.zeros(n, np.int32), np.zeros(n, np.int32), np.array([f.begin for f, _ in flights], float),
            np.array(ends, float),
            np.array([p[-1, :3] for p in points], float).reshape(-1, 3), first, np.concatenate(points)
            if n else np.zeros((0, 6))),
        np.array([f.sort for f, _ in flights], np.int8), np.array([row for _, row in flights], np.int64))
