"""The last seconds of the tracker, kept so that late detections are put where they belong in time:
from there on all is done again, in order.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from skywarden.defence.tracking import cooperative
from skywarden.defence.tracking.state import Block, Seeds
from skywarden.messages.frame import Detections
from skywarden.messages.tables import Array, join, take

REACH = 11.0            # s, age against the newest data up to which late detections are used
APART = 1.0             # s between two kept states of the tracker
PAUSE = 0.5             # s at least between two returns to the past
BUSY_STEPS = 4000       # track steps done again from which the pause grows in proportion
PROVISIONAL = 1 << 40   # first track number given while the past is done again; replaced before anybody sees it


class Core(NamedTuple):
    """What one step of the tracker starts from and ends with."""

    t: float            # up to which data have been used [s]: the tracks stand at this time
    block: Block
    seeds: Seeds
    map: Array          # (radars, RINGS, SECTORS)
    clutter: Array      # (radars,)
    swept: Array        # (radars,)
    weakest: Array      # (radars,)


class Step(NamedTuple):
    """What one step was made from: detections up to a time, and where the radars looked."""

    now: float          # time of the tracks after it [s]
    t: float            # time of the frame [s]
    detections: Detections
    looked: Array       # (radars,) bool    working, and its beam moved
    sector_from: Array  # (radars,)         azimuth where its look began [rad]
    sector_width: Array # (radars,)         how far it went [rad]
    before: Core | None # the state that it started from, kept for some steps


class State(NamedTuple):
    """The tracker's whole memory. No array in it is ever changed; every frame makes new ones."""

    t: float                    # up to which data have been used [s]: the tracks stand at this time
    next_number: int
    block: Block
    seeds: Seeds
    # (radars, RINGS, SECTORS) detections a frame that led nowhere, fading: birds, rotors, rain
    map: Array
    clutter: Array              # (radars,) false alarms a full look, estimated; nan before the first look
    swept: Array                # (radars,) when each radar's last detections came [s]; -inf none yet
    weakest: Array              # (radars,) least signal to noise of any detection so far [dB]; inf none told
    late: int                   # detections refused since the start because they came too late
    cooperative: cooperative.State
    # by how much the newest detections of the last look with any lagged behind its frame [s]
    delay: float
    delays: Array               # (radars, REMEMBERED) delays of each radar's last detections [s]; nan none
    past: tuple[Step, ...]      # steps of the last REACH seconds
    waiting: Detections         # late detections that are not in their place yet
    redone: float               # when the past was last done again [s]
    # detections since the start with neither elevation nor address, or of no radar of the site
    unusable: int


Replay = Callable[[Core, Step], Core]


def extended(past: tuple[Step, ...], step: Step, before: Core) -> tuple[Step, ...]:
    """The past with one step more, made from `before`; what is older than REACH is forgotten. Its
    first step always keeps its state.
    """
    last = next((each.before.t for each in reversed(past) if each.before is not None), -math.inf)
    if not past or step.now - last >= APART:
        step = step._replace(before=before)
    past = (*past, step)
    keep = 0
    for k, each in enumerate(past):
        if each.before is not None and each.before.t <= step.now - REACH:
            keep = k
    return past[keep:]


def reaches(past: tuple[Step, ...]) -> float:
    """Time from which on late detections can be put in place [s]; inf where nothing is kept.

    past  steps that can be done again
    """
    return past[0].before.t if past and past[0].before is not None else math.inf


def looked_late(past: tuple[Step, ...], radar: int, when: float, begin: float, width: float) -> tuple[Step, ...]:
    """The past with a look of `radar` put where it belongs: at time `when` [s], from azimuth
    `begin` over `width` [rad].
    """
    k = _place(past, np.array([when]))[0]
    step = past[k]
    looked, sector_from, sector_width = step.looked.copy(), step.sector_from.copy(), step.sector_width.copy()
    if not looked[radar]:
        sector_from[radar], sector_width[radar] = begin, 0.0
    looked[radar], sector_width[radar] = True, min(sector_width[radar] + width, 2.0 * math.pi)
    changed = step._replace(looked=looked, sector_from=sector_from, sector_width=sector_width)
    return (*past[:k], changed, *past[k + 1 :])


def pause(tracks: int, past: Sequence[Step]) -> float:
    """Seconds until the past is done again once more, by what that costs.

    tracks  number of tracks
    """
    return PAUSE * max(1.0, tracks * len(past) / BUSY_STEPS)


def redone(past: tuple[Step, ...], late: Detections, replay: Replay) -> tuple[tuple[Step, ...], Core]:
    """The past with `late` detections put in place, and the state at its end: every step from the
    first of them on is made again by `replay`.
    """
    first = int(_place(past, np.array([late.t.min()]))[0])
    while past[first].before is None:
        first -= 1
    again = past[first:]
    every = join(late, *(step.detections for step in again))
    every = take(every, np.argsort(every.t, kind="stable"))
    places = _place(again, every.t)
    core = again[0].before
    assert core is not None
    made: list[Step] = []
    for k, step in enumerate(again):
        step = step._replace(detections=take(every, np.flatnonzero(places == k)), before=None if step.before is None
            else core)
        core = replay(core, step)
        made.append(step)
    return (*past[:first], *made), core


def recognised(past: tuple[Step, ...], core: Core, old: Block, number: int) -> tuple[tuple[Step, ...], Core, int]:
    """The tracks that were confirmed anew under the numbers that they had before, by the detections
    they share; others get new ones from `number` on.

    old   the tracks as they stood before the past was done again
    core  the tracker's state after the last step
    Returns also the next number that is free.
    """
    given: dict[int, int] = {}
    known = set(core.block.number[core.block.number < PROVISIONAL].tolist())
    rows = [i for i in np.flatnonzero(old.number > 0).tolist() if int(old.number[i]) not in known]
    owner = {key: i for i in rows for key in _detections(old, i)}
    for block in [core.block, *(step.before.block for step in reversed(past) if step.before is not None)]:
        shared: list[tuple[int, int, int]] = []
        for j in np.flatnonzero(block.number >= PROVISIONAL).tolist():
            if int(block.number[j]) in given:
                continue
            votes: dict[int, int] = {}
            for key in _detections(block, j):
                if key in owner:
                    votes[owner[key]] = votes.get(owner[key], 0) + 1
            shared += [(-count, int(block.number[j]), i) for i, count in votes.items()]
        for _, new, i in sorted(shared):
            if new not in given and int(old.number[i]) not in given.values():
                given[new] = int(old.number[i])
        for new in sorted(block.number[block.number >= PROVISIONAL].tolist()):
            if new not in given:
                given[new], number = number, number + 1
    if not given:
        return past, core, number
    renamed = tuple(
        step if step.before is None else step._replace(before=step.before._replace(block=_renamed(step.before.block,
            given))) for step in past)
    return renamed, core._replace(block=_renamed(core.block, given)), number


def _renamed(block: Block, given: dict[int, int]) -> Block:
    if not (block.number >= PROVISIONAL).any():
        return block
    return block._replace(number=np.array([given.get(n, n) for n in block.number.tolist()], np.int64))


def _detections(block: Block, i: int) -> list[tuple[float, int, float]]:
    """What names each detection that track `i` keeps: its time, radar and range."""
    k = int(block.kept[i])
    return list(zip(block.t[i, :k].tolist(), block.sensor[i, :k].tolist(), block.z[i, :k, 0].tolist(), strict=True))


def _place(past: Sequence[Step], t: Array) -> Array:
    """The step (n,) that each time (n,) [s] belongs to: the first that reached it, else the last."""
    ends = np.array([step.now for step in past])
    return np.minimum(np.searchsorted(ends, t - 1e-9), ends.shape[0] - 1)
