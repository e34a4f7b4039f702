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
# the all-clear of zone `subject`, once the impacts are over: an operator's act where the site says so
GIVE_CLEAR = "all-clear"
# another base foresees a round in a zone: `subject` is "SECONDS ZONE". A pre-alert at most
FORETOLD = "foretold"
RECLASSIFY = "reclassify"       # `subject` is "TRACK projectile|aircraft|other", or "TRACK none", which takes it back
# `subject` is "SECONDS ZONE": its warning put aside on the screen, for so long; 0 brings it back. Changes no belief
SHELVE = "shelve"
# `subject` is how many seconds of a simulated run pass in one; 0 stands still. Obeyed by the clock alone, believed by
# nobody
PACE = "pace"
# the seat `subject`, one of SEATS, is `who`'s from now on; the watch passes to exactly one person
TAKE = "take"
# `subject` is "NAME WHOM": said to WHOM in answer to the message NAME, or to none ("-"); `why` is the words
SAY = "say"
# `subject` is "WHAT NAME" ("radar north", "track 12", "mode exercise") or "-": noticed; `why` is the words
NOTE = "note"
# `subject` is what is answered ("m4", "workload mental", "handover warned"); `why` is the answer
ANSWER = "answer"
# `subject` is "KIND SUBJECT": the command that a person in the shadow seat would have given
SHADOW = "shadow"
BREAK = "break"                 # the run was broken: `subject` is one of BREAKS

KINDS = (
    CONSENT, HOLD, RELEASE, WEAPONS, ACKNOWLEDGE, ALARM, CANCEL, CORRECT, GIVE_CLEAR, FORETOLD, RECLASSIFY, SHELVE,
    PACE, TAKE, SAY, NOTE, ANSWER, SHADOW, BREAK,
)
UNBELIEVED = (PACE, TAKE, SAY, NOTE, ANSWER, SHADOW, BREAK)     # kinds that neither defence nor rehearsal knows
# what a scenario may have its operator do
SCRIPTED = tuple(kind for kind in KINDS if kind not in (PACE, SHADOW, BREAK))
WATCH, SECOND, SHADOWING, OBSERVER = "watch", "second", "shadow", "observer"
SEATS = (WATCH, SECOND, SHADOWING, OBSERVER)    # seats at the console; the acts of the first two are believed
BREAKS = ("freeze", "blank", "on", "resumed", "branched")
UNMARKED = "none"               # what `RECLASSIFY` makes of a track whose mark is taken back


class Command(NamedTuple):
    """One command: when, what, about what, by whom and why."""

    t: float
    kind: str       # one of KINDS
    subject: str
    who: str
    why: str
    wall_ms: int = 0    # the wall's time when it was given, since 1970, UTC [ms]; 0 unknown
