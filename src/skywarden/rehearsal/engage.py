"""From threats to simulated orders: control status, holds, clearance and consent, in that order. An order names track, effector and window."""

from __future__ import annotations

import math
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

import numpy as np

from skywarden.messages.commands import CONSENT, HOLD, RELEASE, WEAPONS
from skywarden.messages.drill import EMPTY, NO_THREAT, NOT_SURE, OUT_OF_REACH, WEAPONS_HOLD, Clearance, Order
from skywarden.messages.frame import Aircraft, Frame
from skywarden.messages.picture import PROJECTILE, Picture
from skywarden.rehearsal.airspace import clear, tubes_of
from skywarden.rehearsal.allocate import Wanted, chance, greedy
from skywarden.rehearsal.space import look_ahead, space_of
from skywarden.site.model import Site

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


class Option(NamedTuple):
    """An engagement that would be safe."""

    clearance: Clearance
    chance: float               # to stop the round


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


def decide(
    threats: Sequence[Wanted], means: Means, engaged: AbstractSet[int], reports: Aircraft, frame: Frame, picture: Picture, site: Site,
) -> tuple[tuple[Clearance, ...], tuple[Order, ...], tuple[int, ...]]:
    """A clearance, given or refused, for every threat and every round let fall; the orders; and the tracks cleared that await a person's consent.

    engaged  numbers of tracks under engagement already: nothing is said about them
    reports  what `airspace.remembered` keeps of what aircraft said
    """
    options: list[dict[int, Option]] = []
    clearances: list[Clearance] = []
    for threat in threats:
        possible, refusal = _asked(threat, means, reports, frame, picture, site)
        options.append(possible)
        if refusal is not None:
            clearances.append(refusal)
    values = np.zeros((len(threats), len(site.effectors)))
    for k, possible in enumerate(options):
        for effector, option in possible.items():
            values[k, effector] = threats[k].worth * option.chance
    chosen = dict(greedy(values).pairs)
    orders, awaiting = [], []
    for k in np.flatnonzero([bool(possible) for possible in options]).tolist():
        clearance = options[k][chosen[k]].clearance if k in chosen else next(iter(options[k].values())).clearance
        clearances.append(clearance)
        if not agreed(clearance.track, means.consents, site.policy.consent):
            awaiting.append(clearance.track)
        elif k in chosen and _last_moment(clearance, frame, site):
            orders.append(Order(clearance.track, clearance.effector, clearance.t_from, clearance.t_to, clearance))
    asked = engaged | {int(picture.tracks.number[threat.row]) for threat in threats}
    return tuple(clearances + _let_fall(picture, site, asked)), tuple(orders), tuple(awaiting)


def _asked(
    threat: Wanted, means: Means, reports: Aircraft, frame: Frame, picture: Picture, site: Site,
) -> tuple[dict[int, Option], Clearance | None]:
    """The clearances given for one threat by effector; where there is none, the most telling refusal (None: every effector is occupied)."""
    track = int(picture.tracks.number[threat.row])
    if not threat.sure:
        return {}, _no(track, 0, NOT_SURE, picture)
    if means.status == "hold" or "all" in means.holds or str(track) in means.holds:
        return {}, _no(track, 0, WEAPONS_HOLD, picture)
    possible: dict[int, Option] = {}
    refusals: list[Clearance] = []
    ahead, tubes = look_ahead(threat.row, picture, frame, site), None
    for k in means.free:
        if site.effectors[k].name in means.holds:
            refusals.append(_no(track, k, WEAPONS_HOLD, picture))
        elif means.left[k] <= 0:
            refusals.append(_no(track, k, EMPTY, picture))
        elif (space := space_of(ahead, site.effectors[k])) is None:
            refusals.append(_no(track, k, OUT_OF_REACH, picture))
        else:
            tubes = tubes_of(reports, frame, picture, site) if tubes is None else tubes
            clearance = clear(threat.row, k, space, tubes, frame, picture, site)
            if clearance.cleared:
                reach = float(np.linalg.norm(space.hit - space.start))
                possible[k] = Option(clearance, chance(site.effectors[k], reach))
            else:
                refusals.append(clearance)
    return possible, None if possible else min(refusals, key=_vague, default=None)


def _vague(refusal: Clearance) -> tuple[bool, bool, float]:
    """Orders refusals by how much they tell: what stands in the way before what is out of reach, a time before none, sooner before later."""
    return refusal.reason in (OUT_OF_REACH, EMPTY), math.isnan(refusal.until), 0.0 if math.isnan(refusal.until) else refusal.until


def _last_moment(clearance: Clearance, frame: Frame, site: Site) -> bool:
    """Whether the effector must be told in this frame or the next, to be in time."""
    return clearance.t_from - site.effectors[clearance.effector].reaction_s - frame.t <= max(LAST_MOMENT, 2.0 * site.policy.frame_s)


def _let_fall(picture: Picture, site: Site, asked: AbstractSet[int]) -> list[Clearance]:
    """Rounds that endanger nothing: letting them fall is the normal case, and a decision."""
    tracks = picture.tracks
    if not site.effectors:
        return []
    falling = np.flatnonzero((tracks.kind[:, PROJECTILE] >= site.policy.projectile_probability) & np.isin(tracks.number, picture.impacts.track))
    return [_no(track, 0, NO_THREAT, picture) for track in tracks.number[falling].tolist() if track not in asked]


def _no(track: int, effector: int, reason: str, picture: Picture) -> Clearance:
    return Clearance(track, effector, picture.t, picture.t, False, reason, math.nan, -1, math.inf)
