"""From threats to simulated orders: control status, holds, clearance and consent, in that order. An order names track, effector and window."""

from __future__ import annotations

import math
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skywarden.messages.commands import CONSENT, HOLD, RELEASE, WEAPONS
from skywarden.messages.drill import EMPTY, NO_THREAT, NOT_SURE, OUT_OF_REACH, WAITING, WEAPONS_HOLD, Clearance, Order
from skywarden.messages.frame import Aircraft, Frame
from skywarden.messages.picture import Picture
from skywarden.rehearsal.airspace import Tubes, clear, tubes_of
from skywarden.rehearsal.space import STEP, Ahead, look_ahead, space_of, surely_projectiles, velocity_at
from skywarden.site.effect import kill_probability
from skywarden.site.model import Effector, Site

Array = NDArray[Any]

WORKED = 10             # clearances worked out in a frame, near 1 ms each; more threats than that are asked about in turn
FOREMOST = 2            # the worst threats are asked about in every frame
CHOICE = 2              # effectors that may engage a threat, after which no further one is asked for it while many threats wait
CONSENT_S = 30.0        # s for which a consent stands
PEOPLE = {"none": 0, "one": 1, "two": 2}
STATUSES = ("hold", "tight", "free")
LAST_MOMENT = 0.5       # s, or two frames, before an effector must react: an order is not given sooner, because nothing calls it back

Consents = tuple[tuple[float, str, str], ...]


class Means(NamedTuple):
    """What is at hand."""

    status: str                 # weapon control status
    holds: tuple[str, ...]      # "all", effectors' names, track numbers
    consents: Consents          # (time, subject, who)
    free: tuple[int, ...]       # effectors not occupied
    left: tuple[int, ...]       # per effector: engagements in the magazine
    pointing: tuple[float, ...]     # per effector: bearing of its last engagement [rad]; nan none


class Asked(NamedTuple):
    """What was found for each threat, in the order asked."""

    given: tuple[dict[int, Clearance], ...]     # by effector, the engagements that would be safe
    chance: Array                               # (threats, effectors) that such an engagement stops the round; 0 no clearance
    refused: tuple[Clearance | None, ...]       # where none was given, the most telling refusal; None: every effector is occupied


def obey(status: str, holds: tuple[str, ...], consents: Consents, frame: Frame) -> tuple[str, tuple[str, ...], Consents]:
    """Weapon control status, holds and consents after the frame's commands; a consent older than CONSENT_S has lapsed, one without a name is nobody's."""
    for command in frame.commands:
        if command.kind == WEAPONS and command.subject in STATUSES:
            status = command.subject
        elif command.kind == HOLD:
            holds = (*(h for h in holds if h != command.subject), command.subject)
        elif command.kind == RELEASE:
            holds = () if command.subject == "all" else tuple(h for h in holds if h != command.subject)
        elif command.kind == CONSENT and command.who.strip():
            consents = (*consents, (min(command.t, frame.t), command.subject, command.who.strip().casefold()))
    return status, holds, tuple(c for c in consents if frame.t - c[0] <= CONSENT_S)


def agreed(track: int, consents: Consents, policy: str) -> bool:
    """Whether as many different people as the policy asks for have agreed to engage this track."""
    return len({who for _, subject, who in consents if subject in ("any", str(track))}) >= PEOPLE[policy]


def ask(rows: Sequence[int], means: Means, reports: Aircraft, frame: Frame, picture: Picture, site: Site) -> Asked:
    """Clearance of every threat (row of the picture's tracks) with every effector at hand.

    reports  what `airspace.remembered` keeps of what aircraft said
    """
    chance = np.zeros((len(rows), len(site.effectors)))
    if not site.effectors:
        return Asked(tuple({} for _ in rows), chance, tuple(None for _ in rows))
    sure = surely_projectiles(picture.tracks, site)
    tubes = tubes_of(reports, frame, picture, site) if rows else None
    given: list[dict[int, Clearance]] = [{} for _ in rows]
    refused: list[Clearance | None] = [None] * len(rows)
    worked = 0
    for k in _in_turn(len(rows), frame, site):
        row = rows[k]
        track = int(picture.tracks.number[row])
        refusals: list[Clearance] = []
        if not sure[row]:
            refusals.append(_no(track, 0, NOT_SURE, picture))
        elif means.status == "hold" or "all" in means.holds or str(track) in means.holds:
            refusals.append(_no(track, 0, WEAPONS_HOLD, picture))
        elif tubes is not None and means.free and worked < WORKED:
            ahead = look_ahead(row, picture, frame, site)
            enough = CHOICE if len(rows) * len(means.free) > WORKED else len(means.free)
            for effector in means.free:
                if len(given[k]) >= enough:
                    break
                clearance, stops = _asked(row, effector, ahead, tubes, means, frame, picture, site)
                worked += math.isfinite(clearance.evidence.t)
                if clearance.cleared:
                    given[k][effector], chance[k, effector] = clearance, stops
                else:
                    refusals.append(clearance)
        refused[k] = None if given[k] else min(refusals, key=_vague, default=None)
    return Asked(tuple(given), chance, tuple(refused))


def _in_turn(threats: int, frame: Frame, site: Site) -> list[int]:
    """The order in which threats are asked about: the worst first, always; of the rest others in each frame, as not all can be worked out at once."""
    rest = list(range(FOREMOST, threats))
    begin = round(frame.t / site.policy.frame_s) * FOREMOST % len(rest) if rest else 0
    return [*range(min(FOREMOST, threats)), *rest[begin:], *rest[:begin]]


def _asked(
    row: int, effector: int, ahead: Ahead, tubes: Tubes, means: Means, frame: Frame, picture: Picture, site: Site,
) -> tuple[Clearance, float]:
    """One clearance, and the chance that such an engagement stops the round."""
    track, declared = int(picture.tracks.number[row]), site.effectors[effector]
    if declared.name in means.holds:
        return _no(track, effector, WEAPONS_HOLD, picture), 0.0
    if means.left[effector] <= 0:
        return _no(track, effector, EMPTY, picture), 0.0
    space = space_of(ahead, _turned(declared, means.pointing[effector], picture.tracks.state[row, :3]))
    if space is None:
        return _no(track, effector, OUT_OF_REACH, picture), 0.0
    line = space.hit - space.start
    given = replace(clear(row, effector, space, tubes, frame, picture, site), last=latest(ahead, declared))
    return given, kill_probability(declared, line, velocity_at(ahead, space.t_hit))


def latest(ahead: Ahead, effector: Effector) -> float:
    """The last moment [s] at which an order could still be in time for the effect to meet the round within reach; nan where there is none."""
    line = ahead.path - effector.place
    reach = np.linalg.norm(line, axis=1)
    leaves = STEP * np.arange(len(reach)) - reach / effector.speed
    there = (line[:, 2] > 0.0) & (reach >= effector.reach_min) & (reach <= effector.reach_max)
    return ahead.t + float(leaves[there].max()) - effector.reaction_s if there.any() else math.nan


def _turned(effector: Effector, pointing: float, place: Array) -> Effector:
    """The effector with the time it takes to turn from its last engagement to this one in its reaction."""
    if not (math.isfinite(effector.slew_rate) and math.isfinite(pointing)):
        return effector
    angle = abs((bearing(effector, place) - pointing + math.pi) % (2.0 * math.pi) - math.pi)
    return replace(effector, reaction_s=effector.reaction_s + angle / effector.slew_rate)


def bearing(effector: Effector, place: Array) -> float:
    """Of a place from an effector, clockwise from north [rad]."""
    return math.atan2(place[0] - effector.place[0], place[1] - effector.place[1])


def decide(
    asked: Asked, pairs: Sequence[tuple[int, int]], means: Means, frame: Frame, site: Site,
) -> tuple[tuple[Clearance, ...], tuple[Order, ...], tuple[int, ...]]:
    """One clearance, given or refused, for every threat; the orders; and the tracks that are cleared but await a person's consent.

    pairs  (threat, effector) that belong together, each of them at most once; where no clearance was given there is nothing to order
    """
    chosen = dict(pairs)
    clearances, orders, awaiting = [], [], []
    for k, (safe, refusal) in enumerate(zip(asked.given, asked.refused, strict=True)):
        if not safe:
            clearances += [] if refusal is None else [refusal]
            continue
        # cleared without a partner: every effector has something worse to do just now
        clearance = safe.get(chosen.get(k, -1), next(iter(safe.values())))
        clearances.append(clearance)
        if not agreed(clearance.track, means.consents, site.policy.consent):
            awaiting.append(clearance.track)
        elif chosen.get(k) == clearance.effector and _last_moment(clearance, frame, site):
            orders.append(Order(clearance.track, clearance.effector, clearance.t_from, clearance.t_to, clearance))
    return tuple(clearances), tuple(orders), tuple(awaiting)


def _vague(refusal: Clearance) -> tuple[bool, bool, float]:
    """Orders refusals by how much they tell: what stands in the way before what is out of reach, a time before none, sooner before later."""
    return refusal.reason in (OUT_OF_REACH, EMPTY), math.isnan(refusal.until), 0.0 if math.isnan(refusal.until) else refusal.until


def _last_moment(clearance: Clearance, frame: Frame, site: Site) -> bool:
    """Whether the effector must be told in this frame or the next, to be in time."""
    return clearance.t_from - site.effectors[clearance.effector].reaction_s - frame.t <= max(LAST_MOMENT, 2.0 * site.policy.frame_s)


def let_fall(picture: Picture, site: Site, asked: AbstractSet[int]) -> tuple[Clearance, ...]:
    """Rounds that endanger nothing, `asked` left out: letting them fall is the normal case, and a decision."""
    tracks = picture.tracks
    if not site.effectors:
        return ()
    falling = np.flatnonzero(surely_projectiles(tracks, site) & np.isin(tracks.number, picture.impacts.track))
    return tuple(_no(track, 0, NO_THREAT, picture) for track in tracks.number[falling].tolist() if track not in asked)


def looked_at(under_way: AbstractSet[int], picture: Picture) -> tuple[Clearance, ...]:
    """Rounds engaged already are refused another engagement until the look."""
    return tuple(_no(track, 0, WAITING, picture) for track in picture.tracks.number.tolist() if track in under_way)


def _no(track: int, effector: int, reason: str, picture: Picture) -> Clearance:
    return Clearance(track, effector, picture.t, picture.t, False, reason, math.nan, -1, math.inf)
