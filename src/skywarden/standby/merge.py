"""What a receiver makes of the words of several watchers: one small pure function, the same
whatever their order.

    replica a:  take-cover  until 14:03:10      gravest unexpired stage      take-cover
    replica b:  stay        until 14:03:25  --> least id                --> id of a or b
                                                latest end                   until 14:03:25

Either raises; an all-clear needs all that still speak, or a person, who takes a warning back by its
id. A replica that is not heard any more counts no longer once its claim has expired; when none is
heard, the last stage holds to its end and is then "no contact", never an all-clear.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from skywarden.messages.picture import ALL_CLEAR, IMPACTS_OVER, NO_STAGE, PRE_ALERT, STAY, TAKE_COVER

GRAVITY = (NO_STAGE, ALL_CLEAR, IMPACTS_OVER, PRE_ALERT, STAY, TAKE_COVER)  # stages, the gravest last


class Claim(NamedTuple):
    """What one replica says of one zone.

    counter   rises with every word of a replica, across its restarts: of two words the greater
              counts
    stage     NO_STAGE … ALL_CLEAR
    id        of the warning; empty where there is none
    until     earliest all-clear [s since 1970]; None unknown
    due       earliest impact foreseen [s since 1970]; None none
    expires   until when the claim counts [s since 1970]
    wrong     a person has taken the warning of this id back
    """

    zone: str
    replica: str
    counter: int
    stage: int
    id: str
    until: float | None
    due: float | None
    expires: float
    wrong: bool = False


class Merged(NamedTuple):
    """What a zone is told by all its watchers together.

    contact   False: nobody has been heard lately, the stage is the last that was said
    lost      nobody has been heard, and the time of what was last said is over: nothing is known
    """

    stage: int
    id: str
    until: float | None
    due: float | None
    contact: bool
    lost: bool


Known = Mapping[tuple[str, str], Claim]  # the newest claim by zone and replica

NOTHING = Merged(NO_STAGE, "", None, None, False, True)


def heard(known: Known, claim: Claim) -> Known:
    """What is known after one more word. Repeating it, or hearing it late, changes nothing.

    claim  what one replica says of a zone
    """
    place = claim.zone, claim.replica
    before = known.get(place)
    if before is not None and _order(before) >= _order(claim):
        return known
    return {**known, place: claim}


def merged(known: Known, zone: str, now: float) -> Merged:
    """What a zone is told at `now` [s since 1970] by all that is known."""
    claims = [claim for (name, _), claim in known.items() if name == zone]
    taken_back = {claim.id for claim in claims if claim.wrong and claim.id}
    claims = [claim for claim in claims if claim.wrong or claim.id not in taken_back]
    fresh = [claim for claim in claims if claim.expires > now]
    if fresh:
        return _together(fresh, True)
    holding = [claim for claim in claims if claim.until is not None and claim.until > now]
    return _together(holding, False) if holding else NOTHING


def _together(claims: Iterable[Claim], contact: bool) -> Merged:
    claims = list(claims)
    stage = max((claim.stage for claim in claims), key=GRAVITY.index)
    standing = [claim for claim in claims if claim.stage == stage or claim.stage not in (NO_STAGE, ALL_CLEAR)]
    ends = [claim.until for claim in claims if claim.until is not None]
    dues = [claim.due for claim in claims if claim.due is not None]
    least = min((claim.id for claim in standing if claim.id), default="")
    return Merged(stage, least, max(ends, default=None), min(dues, default=None), contact, False)


def _order(claim: Claim) -> tuple[object, ...]:
    """A total order of a replica's words: the counter, and what they say where two bear the same
    one.
    """
    gravity = GRAVITY.index(claim.stage)
    return claim.counter, gravity, claim.id, claim.wrong, claim.until or 0.0, claim.due or 0.0, claim.expires
