"""From threats to simulated orders: control status, holds, a glance, clearance and consent, in that
order. An order names track, effector and window.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skywarden.messages.commands import CONSENT, HOLD, RELEASE, WEAPONS
from skywarden.messages.drill import (
    AIRCRAFT_NEAR,
    EMPTY,
    NO_FIRE_ARC,
    NO_THREAT,
    NOT_SURE,
    OUT_OF_REACH,
    SENSORS_DOUBTFUL,
    UNKNOWN_NEAR,
    WAITING,
    WEAPONS_HOLD,
    Clearance,
    Order,
)
from skywarden.messages.frame import Frame
from skywarden.messages.picture import Picture
from skywarden.messages.tables import among
from skywarden.rehearsal import separation
from skywarden.rehearsal.aircraft.memory import AirMemory
from skywarden.rehearsal.aircraft.reachable import Tubes, tubes_of
from skywarden.rehearsal.aircraft.reports import Heard
from skywarden.rehearsal.clearance import AHEAD, ASK_AGAIN, clear, sensors_doubtful
from skywarden.rehearsal.corridor import Futures, Windows, ahead_of, corridor_of, futures, surely_projectiles, windows
from skywarden.site.model import Effector, Site

Array = NDArray[Any]

# clearances worked out in a frame for pairs that the allocation chose, more than there are effectors: some are refused
SPARE = 2
SHOWN = 6               # in all, the others to show what stands in the way of whom; a quarter of a millisecond each
FOREMOST = 2            # at least so many of these, and always for the worst
CONSENT_S = 30.0        # s for which a consent stands
PEOPLE = {"none": 0, "one": 1, "two": 2}
STATUSES = ("hold", "tight", "free")
# s, or two frames, before an effector must react: an order is not given sooner, because nothing calls it back
LAST_MOMENT = 0.5

# What a glance says of a pair; how telling a refusal each is, least first; and its reason.
OPEN, IN_THE_WAY, DOUBTFUL, HELD, OFF_SECTOR, LATER, NO_WINDOW, SPENT_UP, OCCUPIED = range(9)
TELLING = (9.0, 1.0, 0.0, 2.0, 2.0, 3.0, 4.0, 4.0, 9.0)
REASONS = {DOUBTFUL: SENSORS_DOUBTFUL, IN_THE_WAY: AIRCRAFT_NEAR, HELD: WEAPONS_HOLD, OFF_SECTOR: NO_FIRE_ARC,
    LATER: OUT_OF_REACH, NO_WINDOW: OUT_OF_REACH,
           SPENT_UP: EMPTY}

Consents = tuple[tuple[float, str, str], ...]


class Means(NamedTuple):
    """What is at hand."""

    status: str                 # weapon control status
    holds: tuple[str, ...]      # "all", effectors' names, track numbers
    consents: Consents          # (time, subject, who)
    free: tuple[int, ...]       # effectors not occupied
    left: tuple[int, ...]       # per effector: engagements in the magazine
    pointing: tuple[float, ...]     # per effector: bearing of its last engagement [rad]; nan none


class Prospects(NamedTuple):
    """What could be done about each threat: one row a threat, one column an effector. A glance
    first; clearances only for the pairs that matter.
    """

    rows: tuple[int, ...]                       # of the picture's tracks
    at: Array                                   # (n,) row of `futures`; -1 not asked about
    futures: Futures
    windows: Windows                            # rows of `futures`
    # (n, m) int8 what the glance says: OPEN, IN_THE_WAY, or one of the refusals below
    verdict: Array
    in_the_way: Array                           # (n, m) row of `tubes`, where it is that
    nearest: Array                              # (n, m) and its distance [m]
    tubes: Tubes | None                         # None: no pair needs them
    # (n, m) that an engagement stops the round, for all that is known yet; 0 it must not or cannot
    chance: Array
    given: tuple[dict[int, Clearance], ...]     # by effector, the engagements found safe
    refused: tuple[tuple[Clearance, ...], ...]  # the others worked out, or a refusal of the threat as a whole
    worked: int                                 # clearances worked out in this frame
    cut: bool                                   # pairs were chosen that no time was left for


def obey(
    status: str, holds: tuple[str, ...], consents: Consents, frame: Frame
) -> tuple[str, tuple[str, ...], Consents]:
    """Weapon control status, holds and consents after the frame's commands; a consent older than
    CONSENT_S has lapsed, one without a name is nobody's.
    """
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
    """Whether as many different people as the policy asks for have agreed to engage this track.

    consents  who has agreed to engage which track
    """
    return len({who for _, subject, who in consents if subject in ("any", str(track))}) >= PEOPLE[policy]


def glance(
    rows: Sequence[int], means: Means, heard: Heard, known: AirMemory, frame: Frame, picture: Picture, site: Site
) -> Prospects:
    """What each effector at hand could do about each threat (row of the picture's tracks): its
    window and chance, and what plainly forbids it.

    rows   rows of the picture's tracks
    means  effectors at hand, with their shots and readiness
    heard  reports of aircraft, as they count in this frame
    known  the air-picture memory
    frame  what came in at this frame
    site   the site as its defender declared it

    Clears nothing: only what is still open may be asked about, and every engagement needs its whole
    clearance.
    """
    n, m = len(rows), len(site.effectors)
    sure = surely_projectiles(picture.tracks, site)
    at: Array = np.full(n, -1, np.int64)
    taken: list[int] = []
    refused: list[tuple[Clearance, ...]] = [()] * n
    for k, row in enumerate(rows):
        track = int(picture.tracks.number[row])
        if not m:
            continue
        if not sure[row]:
            refused[k] = (_no(track, 0, NOT_SURE, picture),)
        elif means.status == "hold" or "all" in means.holds or str(track) in means.holds:
            refused[k] = (_no(track, 0, WEAPONS_HOLD, picture),)
        elif means.free:
            at[k] = len(taken)
            taken.append(row)
    mine: Array = np.array(taken, np.int64)
    asked = at >= 0
    ahead = futures(mine, picture, frame, site)
    reaction = _reactions(mine, means, picture, site)
    found = windows(ahead, reaction, frame.t, site)
    verdict, chance = np.full((n, m), OCCUPIED, np.int8), np.zeros((n, m))
    in_the_way, nearest, tubes = np.full((n, m), -1, np.int64), np.full((n, m), math.inf), None
    if mine.size:
        verdict[asked] = _verdicts(ahead, found, reaction, means, frame, picture, site)
        held = verdict == OPEN
        if held.any():
            tubes = tubes_of(heard, frame, picture, site, known)
            threat, effector = np.nonzero(held)
            own = at[threat]
            place = np.array([e.place for e in site.effectors])[effector]
            hit = ahead.path[own, found.at[own, effector]]
            in_the_way[held], nearest[held] = separation.in_the_way(
                place, hit, found.t_from[own, effector], found.t_hit[own, effector], tubes, site.policy.safety_distance)
            verdict[in_the_way >= 0] = IN_THE_WAY
        chance[asked] = np.where(verdict[asked] == OPEN, found.chance, 0.0)
    return Prospects(tuple(rows), at, ahead, found, verdict, in_the_way, nearest, tubes, chance,
        tuple({} for _ in rows), tuple(refused), 0, False)


def _verdicts(
    ahead: Futures, found: Windows, reaction: Array, means: Means, frame: Frame, picture: Picture, site: Site
) -> Array:
    """(n, m) what a glance says without looking at aircraft."""
    now = np.array([e.reaction_s for e in site.effectors])
    out = np.where(found.at < 0, NO_WINDOW, np.where(found.t_from - frame.t > now + AHEAD, LATER, OPEN)).astype(np.int8)
    if sensors_doubtful(picture):
        out[found.at >= 0] = DOUBTFUL
    for k, declared in enumerate(site.effectors):
        if k not in means.free:
            out[:, k] = OCCUPIED
        elif declared.name in means.holds:
            out[:, k] = HELD
        elif means.left[k] <= 0:
            out[:, k] = SPENT_UP
        elif declared.azimuth_width < 2.0 * math.pi - 1e-9 or declared.no_fire:
            there = np.flatnonzero((out[:, k] == OPEN) | (out[:, k] == LATER))
            line = ahead.path[there, found.at[there, k]] - declared.place
            bearing = np.arctan2(line[:, 0], line[:, 1])
            outside = (bearing - declared.azimuth_from) % (2.0 * math.pi) > declared.azimuth_width
            for begin, width in declared.no_fire:
                outside |= (bearing - begin) % (2.0 * math.pi) <= width
            out[there[outside], k] = OFF_SECTOR
    return out


def ask(
    seen: Prospects, pairs: Sequence[tuple[int, int]], means: Means, frame: Frame, picture: Picture, site: Site
) -> Prospects:
    """The same with the clearances of these pairs (threat, effector) worked out, where they are not
    yet; what is refused has no chance any more.

    seen     what each effector could do about each threat, as far as worked out
    means    effectors at hand, with their shots and readiness
    frame    what came in at this frame
    picture  what is believed at this frame
    site     the site as its defender declared it
    """
    given, refused, chance = [dict(g) for g in seen.given], list(seen.refused), seen.chance
    worked, cut = seen.worked, False
    for k, effector in pairs:
        if effector in given[k]:
            continue
        if worked >= len(means.free) + SPARE:
            cut = True
            break
        clearance = _worked(seen, k, effector, means, frame, picture, site)
        worked += 1
        if clearance.cleared:
            given[k][effector] = clearance
        else:
            refused[k] = (*refused[k], clearance)
            chance = chance.copy()
            chance[k, effector] = 0.0
    return seen._replace(given=tuple(given), refused=tuple(refused), chance=chance, worked=worked, cut=cut)


def show(seen: Prospects, means: Means, frame: Frame, picture: Picture, site: Site) -> Prospects:
    """The same, and what time is left for clearances spent on threats that have no answer: on the
    worst, and on others in turn from frame to frame.

    seen     what each effector could do about each threat, as far as worked out
    means    effectors at hand, with their shots and readiness
    picture  what is believed at this frame
    site     the site as its defender declared it
    """
    given, refused, worked = [dict(g) for g in seen.given], list(seen.refused), seen.worked
    hopes = np.where(seen.verdict == OPEN, 2.0, np.where(seen.verdict == IN_THE_WAY, 1.0, 0.0))
    hopes[seen.at >= 0] *= 1.0 + seen.windows.chance
    waiting = [k for k in range(len(seen.rows)) if not given[k] and not refused[k] and hopes[k].any()]
    for j in _in_turn(len(waiting), frame, site):
        if worked >= max(SHOWN, seen.worked + FOREMOST):
            break
        k = waiting[j]
        clearance = _worked(seen, k, int(np.argmax(hopes[k])), means, frame, picture, site)
        worked += 1
        if clearance.cleared:
            given[k][clearance.effector] = clearance
        else:
            refused[k] = (clearance,)
    return seen._replace(given=tuple(given), refused=tuple(refused), worked=worked)


def cleared(seen: Prospects) -> Array:
    """(n, m) chances of what has been cleared, 0 elsewhere.

    seen  what each effector could do about each threat, as far as worked out
    """
    out = np.zeros_like(seen.chance)
    for k, given in enumerate(seen.given):
        for effector in given:
            out[k, effector] = seen.chance[k, effector]
    return out


def _in_turn(threats: int, frame: Frame, site: Site) -> list[int]:
    """The order in which threats are shown: the worst first, always; of the rest others in each
    frame, as not all can be worked out at once.
    """
    rest = list(range(FOREMOST, threats))
    begin = round(frame.t / site.policy.frame_s) * FOREMOST % len(rest) if rest else 0
    return [*range(min(FOREMOST, threats)), *rest[begin:], *rest[:begin]]


def _worked(
    seen: Prospects, k: int, effector: int, means: Means, frame: Frame, picture: Picture, site: Site
) -> Clearance:
    """The whole clearance of one pair."""
    row, at = seen.rows[k], int(seen.at[k])
    ahead = ahead_of(seen.futures, at, row, picture, frame, site)
    turned = _turned(site.effectors[effector], means.pointing[effector], picture.tracks.state[row, :3])
    corridor = corridor_of(ahead, turned)
    if corridor is None or seen.tubes is None:
        return _no(int(picture.tracks.number[row]), effector, OUT_OF_REACH, picture)
    return replace(clear(row, effector, corridor, seen.tubes, frame, picture, site),
        last=float(seen.windows.last[at, effector]))


def _reactions(rows: Array, means: Means, picture: Picture, site: Site) -> Array:
    """(n, m) s from the order till the effect leaves, turning there from the last engagement
    included.
    """
    out = np.empty((rows.size, len(site.effectors)))
    for k, declared in enumerate(site.effectors):
        out[:, k] = declared.reaction_s
        if math.isfinite(declared.slew_rate) and math.isfinite(means.pointing[k]):
            out[:, k] = [_turned(declared, means.pointing[k], place).reaction_s for place in picture.tracks.state[rows,
                :3]]
    return out


def _turned(effector: Effector, pointing: float, place: Array) -> Effector:
    """The effector with the time it takes to turn from its last engagement to this one in its
    reaction.
    """
    if not (math.isfinite(effector.slew_rate) and math.isfinite(pointing)):
        return effector
    angle = abs((bearing(effector, place) - pointing + math.pi) % (2.0 * math.pi) - math.pi)
    return replace(effector, reaction_s=effector.reaction_s + angle / effector.slew_rate)


def bearing(effector: Effector, place: Array) -> float:
    """Bearing of a place (3,) [m] from an effector, clockwise from north [rad]."""
    return math.atan2(place[0] - effector.place[0], place[1] - effector.place[1])


def decide(
    seen: Prospects, pairs: Sequence[tuple[int, int]], means: Means, frame: Frame, picture: Picture, site: Site,
) -> tuple[tuple[Clearance, ...], tuple[Order, ...], tuple[int, ...]]:
    """One clearance, given or refused, for every threat asked about; the orders; and the tracks
    that are cleared but await a person's consent.

    pairs    (threat, effector) that belong together, each of them at most once; where no clearance
             was given there is nothing to order
    seen     what each effector could do about each threat, as far as worked out
    means    effectors at hand, with their shots and readiness
    frame    what came in at this frame
    picture  what is believed at this frame
    site     the site as its defender declared it
    """
    chosen, glanced = dict(pairs), _glanced(seen, frame, picture, site)
    clearances, orders, awaiting = [], [], []
    for k, (safe, refusals) in enumerate(zip(seen.given, seen.refused, strict=True)):
        if not safe:
            refusal = min(refusals, key=_vague) if refusals else glanced[k]
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


def _glanced(seen: Prospects, frame: Frame, picture: Picture, site: Site) -> list[Clearance | None]:
    """Of each threat the most telling refusal that a glance gives; None where there is none: every
    effector is occupied, or its turn has not come.
    """
    found: list[Clearance | None] = [None] * len(seen.rows)
    asked = np.flatnonzero(seen.at >= 0)
    if not asked.size:
        return found
    w, own = seen.windows, seen.at[asked]
    verdicts = seen.verdict[asked]
    # by how much they tell: what stands in the way before what is out of reach, a time before none, sooner before later
    order = np.array(TELLING)[verdicts] + np.where(verdicts == LATER, 1e-6 * (w.t_from - frame.t)[own], 0.0)
    effectors = np.argmin(order, axis=1)
    row = np.arange(asked.size)
    columns = (asked, effectors, verdicts[row, effectors], w.t_from[own, effectors], w.t_hit[own, effectors],
        w.last[own, effectors])
    for k, effector, verdict, t_from, t_hit, last in zip(*(c.tolist() for c in columns), strict=True):
        track = int(picture.tracks.number[seen.rows[k]])
        if verdict in (OPEN, OCCUPIED):
            continue
        reason, until, number, gap = REASONS[verdict], math.nan, -1, math.inf
        if verdict in (NO_WINDOW, HELD, SPENT_UP):
            found[k] = _no(track, effector, reason, picture)
            continue
        if verdict == LATER:
            until = t_from - site.effectors[effector].reaction_s - AHEAD
        elif verdict == DOUBTFUL:
            until = frame.t + ASK_AGAIN
        elif verdict == IN_THE_WAY and seen.tubes is not None:
            tube = int(seen.in_the_way[k, effector])
            number, gap = int(seen.tubes.number[tube]), float(seen.nearest[k, effector])
            reason = UNKNOWN_NEAR if seen.tubes.unknown[tube] else AIRCRAFT_NEAR
        found[k] = Clearance(track, effector, t_from, t_hit, False, reason, until, number, gap, t_hit, last=last)
    return found


def _vague(refusal: Clearance) -> tuple[bool, bool, float]:
    """Orders refusals by how much they tell: what stands in the way before what is out of reach, a
    time before none, sooner before later.
    """
    return refusal.reason in (OUT_OF_REACH, EMPTY), math.isnan(refusal.until), 0.0 if math.isnan(
        refusal.until) else refusal.until


def _last_moment(clearance: Clearance, frame: Frame, site: Site) -> bool:
    """Whether the effector must be told in this frame or the next, to be in time."""
    return clearance.t_from - site.effectors[clearance.effector].reaction_s - frame.t <= max(LAST_MOMENT,
        2.0 * site.policy.frame_s)


def let_fall(picture: Picture, site: Site, asked: AbstractSet[int]) -> tuple[Clearance, ...]:
    """Rounds that endanger nothing, `asked` left out: letting them fall is the normal case, and a
    decision.

    picture  what is believed at this frame
    site     the site as its defender declared it
    """
    tracks = picture.tracks
    if not site.effectors:
        return ()
    falling = np.flatnonzero(surely_projectiles(tracks, site) & among(tracks.number, picture.impacts.track))
    return tuple(_no(track, 0, NO_THREAT, picture) for track in tracks.number[falling].tolist() if track not in asked)


def looked_at(under_way: AbstractSet[int], picture: Picture) -> tuple[Clearance, ...]:
    """Rounds engaged already are refused another engagement until the look.

    under_way  numbers of the tracks that are engaged
    picture    what is believed at this frame
    """
    return tuple(_no(track, 0, WAITING, picture) for track in picture.tracks.number.tolist() if track in under_way)


def _no(track: int, effector: int, reason: str, picture: Picture) -> Clearance:
    return Clearance(track, effector, picture.t, picture.t, False, reason, math.nan, -1, math.inf)
