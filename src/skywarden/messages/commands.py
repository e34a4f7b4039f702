"""What a person, or a script standing in for one, told the system. Commands arrive inside a frame,
so a replay repeats them.
"""

from __future__ import annotations

from typing import NamedTuple

CONSENT = "consent"             # simulated engagement of `subject` (a track number, or "any") agreed to
HOLD = "hold"                   # no simulated engagement of `subject` ("all", an effector's name)
RELEASE = "release"             # a hold lifted
WEAPONS = "weapons"             # weapon control status: `subject` is "hold", "tight" or "free"
ACKNOWLEDGE = "acknowledge"     # a warning of zone `subject` seen by the operator
ALARM = "alarm"                 # a manual warning of zone `subject`
CANCEL = "cancel"               # a manual warning of zone `subject` taken back
# the warning of zone `subject` was wrong: cleared at once, and said to have been wrong on every channel
CORRECT = "correct"
RECLASSIFY = "reclassify"       # `subject` is "TRACK projectile|aircraft|other", or "TRACK none", which takes it back
# `subject` is "SECONDS ZONE": its warning put aside on the screen, for so long; 0 brings it back. Changes no belief
SHELVE = "shelve"
# `subject` is how many seconds of a simulated run pass in one; 0 stands still. Obeyed by the clock alone, believed by
# nobody
PACE = "pace"

KINDS = (CONSENT, HOLD, RELEASE, WEAPONS, ACKNOWLEDGE, ALARM, CANCEL, CORRECT, RECLASSIFY, SHELVE, PACE)
SCRIPTED = tuple(kind for kind in KINDS if kind != PACE)     # what a scenario may have its operator do
UNMARKED = "none"               # what `RECLASSIFY` makes of a track whose mark is taken back


class Command(NamedTuple):
    """One command: when, what, about what, by whom and why."""

    t: float
    kind: str       # one of KINDS
    subject: str
    who: str
    why: str
