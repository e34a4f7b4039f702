"""The nouns of an exercise: what somebody had to decide, what could be known of it, and what came
of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from skywarden.exercise.reading import Act

# The tasks, and the competency that each shows.
COMPETENCY = {
    "acknowledge": "C1", "detect": "C1", "judge": "C2", "alarm": "C3", "hold": "C4", "consent": "C4", "radar": "C5",
    "channel": "C5", "message": "C6", "handover": "C7", "mode": "C8", "probe": "C9", "question": "C0",
}
COMPETENCIES = {
    "C0": "know", "C1": "see", "C2": "judge", "C3": "warn", "C4": "rehearse safely", "C5": "degraded modes",
    "C6": "communicate", "C7": "hand over", "C8": "drill or live", "C9": "endure",
}
GONE, WRONG, SURFEIT = "gone", "wrong", "surfeit"
TRAPS = (GONE, WRONG, SURFEIT)      # the automation is blind, it is wrong, there is too much at once
NOTHING = "nothing"                 # the act of whoever does none


@dataclass(frozen=True)
class Knowledge:
    """What was known of one decision, one entry a frame while it was open.

    t            [s]
    probability  of danger, of being a projectile, or (consent) 1 where nothing told forbids it
    due          expected impact [s]; nan none
    stake        people that hang on it
    unwarned, warned  expected loss of sparing and of warning now, where the site states its costs;
                      else empty
    """

    t: tuple[float, ...] = ()
    probability: tuple[float, ...] = ()
    due: tuple[float, ...] = ()
    stake: tuple[float, ...] = ()
    unwarned: tuple[float, ...] = ()
    warned: tuple[float, ...] = ()

    def row(self, t: float) -> int:
        """The newest entry before an act at `t` came into effect: of an earlier frame, or
        the first.
        """
        found = 0
        for k, known in enumerate(self.t):
            if known >= t - 1e-9:
                break
            found = k
        return found


@dataclass(frozen=True)
class Stimulus:
    """One thing that asked for a decision, as far as it could be known.

    task         one of COMPETENCY
    about        "zone NAME", "track N", "radar NAME", "channel NAME", or a message's name
    opened       when it asked [s]; `closes` when an act no longer helps [s]
    decide       last moment at which waiting cost nothing [s]
    known        first moment at which the best act was the best one [s]; nan never
    best         the oracle's act
    signal       whether yes is right, where the answer is yes or no
    automation   what the system did by itself, and when [s]
    weighed      when the system's own act is held against what was known [s]; nan: at `decide`
    shelter      time the people need [s]; `price` of a warning, a person; `worth`: loss a person,
                 danger being certain
    fields       texts an answer must hold; `steps` acts prescribed, in their order
    grave        acts that fail by themselves
    traps        families of automation traps it belongs to
    timed        its times count: the run was at pace 1 and never stood still
    void         the run was broken off and resumed in it
    shown        what could be known at `decide`, for people
    """

    task: str
    about: str
    opened: float
    closes: float
    decide: float
    best: str
    zone: int = -1
    known: float = math.nan
    signal: bool | None = None
    automation: tuple[str, float] = ("", math.nan)
    knowledge: Knowledge = Knowledge()
    shelter: float = 0.0
    price: float = 0.0
    worth: float = 1.0
    fields: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    grave: tuple[str, ...] = ()
    traps: tuple[str, ...] = ()
    timed: bool = True
    void: bool = False
    shown: tuple[tuple[str, float | str], ...] = ()
    weighed: float = math.nan

    @property
    def competency(self) -> str:
        """The competency it shows."""
        return COMPETENCY[self.task]


@dataclass(frozen=True)
class Trial:
    """A stimulus and what one person made of it. No truth is in it.

    act, at      what was done, NOTHING where nothing was, and when [s]; nan never
    yes          whether the answer was yes, where it is yes or no
    right        whether it counts as done right
    seconds      until the act, or until it could no longer come (then `acted` is False) [s]
    regret       expected loss of the act less the least that could be had, both as known then
                 [people]
    passive      the same of doing nothing [people]
    protocol     share of the prescribed steps done in their order; nan none prescribed
    gate         why it fails by itself; empty where it does not
    """

    stimulus: Stimulus
    who: str
    act: str
    at: float
    right: bool
    yes: bool | None = None
    acted: bool = False
    seconds: float = math.nan
    loss: float = math.nan
    regret: float = math.nan
    passive: float = math.nan
    protocol: float = math.nan
    gate: str = ""
    acts: tuple[Act, ...] = field(default=())
