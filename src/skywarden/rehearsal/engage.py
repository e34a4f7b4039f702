"""From pairs to simulated orders: weapon control status, holds, clearance and consent, in that order. An order names track, effector and window."""

from __future__ import annotations

import math
from collections.abc import Sequence

from skywarden.messages.commands import CONSENT, HOLD, RELEASE, WEAPONS
from skywarden.messages.drill import EMPTY, WEAPONS_HOLD, Clearance, Order
from skywarden.messages.frame import Frame
from skywarden.messages.picture import Picture
from skywarden.rehearsal.airspace import clear, tubes_of
from skywarden.rehearsal.allocate import Pair
from skywarden.site.model import Site

CONSENT_S = 30.0        # s for which a consent stands
PEOPLE = {"none": 0, "one": 1, "two": 2}
STATUSES = ("hold", "tight", "free")

Consents = tuple[tuple[float, str, str], ...]


def obey(status: str, holds: tuple[str, ...], consents: Consents, frame: Frame) -> tuple[str, tuple[str, ...], Consents]:
    """Weapon control status, holds and consents after the frame's commands; a consent older than CONSENT_S has lapsed."""
    consents = tuple(c for c in consents if frame.t - c[0] <= CONSENT_S)
    for command in frame.commands:
        if command.kind == WEAPONS and command.subject in STATUSES:
            status = command.subject
        elif command.kind == HOLD:
            holds = (*(h for h in holds if h != command.subject), command.subject)
        elif command.kind == RELEASE:
            holds = () if command.subject == "all" else tuple(h for h in holds if h != command.subject)
        elif command.kind == CONSENT:
            consents = (*consents, (frame.t, command.subject, command.who))
    return status, holds, consents


def decide(
    pairs: Sequence[Pair], status: str, holds: tuple[str, ...], consents: Consents, left: tuple[int, ...], frame: Frame, picture: Picture, site: Site,
) -> tuple[tuple[Clearance, ...], tuple[Order, ...], tuple[int, ...]]:
    """Clearances (given and refused), orders, and the tracks that are cleared but await a person's consent."""
    clearances: list[Clearance] = []
    orders: list[Order] = []
    awaiting: list[int] = []
    tubes = tubes_of(frame, picture, site) if pairs else None
    for row, effector, space in pairs:
        track = int(picture.tracks.number[row])
        name = site.effectors[effector].name
        window = (frame.t, frame.t) if space is None else (space.t_from, space.t_to)
        if status == "hold" or "all" in holds or name in holds or str(track) in holds:
            clearances.append(Clearance(track, effector, *window, False, WEAPONS_HOLD, math.nan, -1, math.inf))
        elif left[effector] <= 0:
            clearances.append(Clearance(track, effector, *window, False, EMPTY, math.nan, -1, math.inf))
        elif tubes is not None:
            clearance = clear(row, effector, space, tubes, frame, picture, site)
            clearances.append(clearance)
            if clearance.cleared and agreed(track, consents, site.policy.consent):
                orders.append(Order(track, effector, clearance.t_from, clearance.t_to, clearance))
            elif clearance.cleared:
                awaiting.append(track)
    return tuple(clearances), tuple(orders), tuple(awaiting)


def agreed(track: int, consents: Consents, policy: str) -> bool:
    """Whether as many different people as the policy asks for have agreed to engage this track."""
    return len({who for _, subject, who in consents if subject in ("any", str(track))}) >= PEOPLE[policy]
