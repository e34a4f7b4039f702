"""What one person made of each stimulus. One function a kind of task; no truth, and nothing that
came later than the act.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import takewhile

from skywarden.exercise import oracle
from skywarden.exercise.on_tracks import SURELY, best_for_track, losses_of_track
from skywarden.exercise.on_words import answered
from skywarden.exercise.on_zones import best_for_zone, losses_of_zone
from skywarden.exercise.oracle import DISMISS, KEEP, SPARE, WARN
from skywarden.exercise.reading import ANSWER, NOTE, SAY, Act
from skywarden.exercise.stimulus import NOTHING, Stimulus, Trial
from skywarden.messages.commands import ACKNOWLEDGE, ALARM, CANCEL, CONSENT, CORRECT, HOLD, RECLASSIFY
from skywarden.messages.picture import KIND_NAMES, PROJECTILE

ROUND = KIND_NAMES[PROJECTILE]
SAME_S = 1e-9           # seconds within which two times are the same


def settle(stimulus: Stimulus, who: str, acts: Sequence[Act]) -> Trial:
    """The trial that a person's acts make of a stimulus.

    acts  of this person in the whole run, in their order
    who   pseudonym of the person
    """
    inside = [act for act in acts if stimulus.opened - SAME_S <= act.t <= stimulus.closes + SAME_S]
    return SETTLED[stimulus.task](stimulus, who, inside)


def _seen(stimulus: Stimulus, who: str, acts: Sequence[Act]) -> Trial:
    """To acknowledge, to detect unaided, to hold: done in time, or not."""
    kinds = {"acknowledge": (ACKNOWLEDGE, ALARM, CANCEL, CORRECT), "detect": (ALARM,), "hold": (HOLD,)}[stimulus.task]
    zone = stimulus.about.removeprefix("zone ")
    done = next((act for act in acts if act.kind in kinds and (act.kind == HOLD or act.subject == zone)), None)
    if done is None:
        return _missed(stimulus, who)
    return Trial(stimulus, who, done.kind, done.t, True, True, True, done.t - _since(stimulus), acts=(done,))


def _warned(stimulus: Stimulus, who: str, acts: Sequence[Act]) -> Trial:
    """To warn a zone or to spare it. The last word counts; without one, what the system did."""
    zone, done = stimulus.about.removeprefix("zone "), None
    for given in acts:
        if given.subject == zone and given.kind in (ALARM, CANCEL, CORRECT):
            done = given
    automatic, when = stimulus.automation
    act, at = (automatic, when) if done is None else (WARN if done.kind == ALARM else SPARE, done.t)
    if done is not None and act == WARN == automatic and when <= done.t:
        at = when               # who raises what stands already warns nobody later
    loss, regret = _regret_of_zone(stimulus, act, at)
    _, passive = _regret_of_zone(stimulus, automatic, when)
    near = oracle.NEAR * stimulus.worth * (stimulus.knowledge.stake[0] if stimulus.knowledge.stake else 0.0)
    acted = done is not None
    seconds = at - _since(stimulus) if acted else math.nan
    return Trial(
        stimulus, who, act, done.t if done is not None else math.nan, regret <= near, act == WARN, acted, seconds, loss,
        regret, passive, acts=(done,) if done is not None else ())


def _regret_of_zone(stimulus: Stimulus, act: str, at: float) -> tuple[float, float]:
    """Expected loss of an act about a zone, and how much more that is than the least, with what
    was known.

    A warning is judged by what was known when it was given, one of the system's that somebody
    contradicted by what was known when it could last have been taken back for nothing; sparing by
    what was known then, too.
    """
    known = stimulus.knowledge
    decide = _at(known.t, stimulus.decide)
    row = decide if act == SPARE or math.isnan(at) else known.row(at)
    if act == WARN and (at, act) == (stimulus.automation[1], stimulus.automation[0]):
        row = decide if math.isnan(stimulus.weighed) else _at(known.t, stimulus.weighed)
    when = known.t[row] if math.isnan(at) else at
    spare, warn = losses_of_zone(stimulus, row, when)
    loss = warn if act == WARN else spare
    _, least = best_for_zone(stimulus, row)
    return loss, max(0.0, loss - min(least, loss))


def _judged(stimulus: Stimulus, who: str, acts: Sequence[Act]) -> Trial:
    """A round, or none: who says nothing takes it for one."""
    number, done = stimulus.about.removeprefix("track "), None
    for given in acts:
        first, _, kind = given.subject.partition(" ")
        if given.kind == RECLASSIFY and first == number and kind in (*KIND_NAMES, "none"):
            done = given
    dismissed = done is not None and done.subject.partition(" ")[2] not in (ROUND, "none")
    act = DISMISS if dismissed else KEEP
    known = stimulus.knowledge
    decide = _at(known.t, stimulus.decide)
    row = known.row(done.t) if done is not None else decide
    losses = dict(zip((KEEP, DISMISS), losses_of_track(stimulus, row), strict=True))
    best, least = best_for_track(stimulus, row)
    regret = losses[act] - least
    gate = ""
    if act == DISMISS and DISMISS in stimulus.grave and known.probability[row] >= SURELY:
        gate = "called no round what surely was one, with people under it"
    passive = losses_of_track(stimulus, decide)[0] - best_for_track(stimulus, decide)[1]
    seconds = done.t - _since(stimulus) if done is not None else math.nan
    right = not gate and (act == best or regret <= oracle.NEAR * known.stake[row] * stimulus.price)
    return Trial(
        stimulus, who, act, done.t if done is not None else math.nan, right, act == KEEP, done is not None, seconds,
        losses[act], regret, passive, gate=gate, acts=(done,) if done is not None else ())


def _consented(stimulus: Stimulus, who: str, acts: Sequence[Act]) -> Trial:
    """Consent to a simulated engagement is right where nothing told forbids it."""
    number = stimulus.about.removeprefix("track ")
    done = next((act for act in acts if act.kind == CONSENT and act.subject in (number, "any")), None)
    if done is None:
        return Trial(
            stimulus, who, NOTHING, math.nan, not stimulus.signal, False, False, stimulus.closes - stimulus.opened)
    allowed = stimulus.knowledge.probability[stimulus.knowledge.row(done.t)] > 0.0
    gate = "" if allowed else "consented although told of an aircraft there"
    return Trial(stimulus, who, CONSENT, done.t, allowed, True, True, done.t - _since(stimulus), gate=gate,
        acts=(done,))


def _reported(stimulus: Stimulus, who: str, acts: Sequence[Act]) -> Trial:
    """Equipment failed: note it, tell somebody, hold, in that order."""
    kept = [act for act in acts if act.kind in (SAY, HOLD) or (act.kind == NOTE and _names(act.subject,
        stimulus.about))]
    done = [act.kind for act in kept]
    protocol = longest_common(done, stimulus.steps) / len(stimulus.steps)
    first = next((act for act in kept if act.kind == NOTE), None)
    if first is None:
        return _missed(stimulus, who, protocol, tuple(kept))
    return Trial(
        stimulus, who, NOTE, first.t, protocol == 1.0, True, True, first.t - _since(stimulus), protocol=protocol,
        acts=tuple(kept))


def _answered(stimulus: Stimulus, who: str, acts: Sequence[Act]) -> Trial:
    """A message read back, a probe or a question answered."""
    kind = SAY if stimulus.task == "message" else ANSWER
    given = [act for act in acts if act.kind == kind and act.subject.partition(" ")[0] == stimulus.about]
    if not given:
        return _missed(stimulus, who, 0.0)
    words = " ".join(act.why for act in given)
    share = answered(stimulus.fields, words) / len(stimulus.fields)
    last = given[-1]
    return Trial(
        stimulus, who, last.kind, last.t, share == 1.0, True, True, last.t - _since(stimulus), protocol=share,
            acts=tuple(given))


def longest_common(done: Sequence[str], prescribed: Sequence[str]) -> int:
    """Length of the longest common subsequence: how many prescribed steps were done in their
    order.
    """
    best = [0] * (len(prescribed) + 1)
    for step in done:
        row = best[:]
        for k, wanted in enumerate(prescribed):
            row[k + 1] = best[k] + 1 if step == wanted else max(row[k], best[k + 1])
        best = row
    return best[-1]


def _missed(stimulus: Stimulus, who: str, protocol: float = math.nan, acts: tuple[Act, ...] = ()) -> Trial:
    return Trial(
        stimulus, who, NOTHING, math.nan, False, False, False, stimulus.closes - _since(stimulus), protocol=protocol,
            acts=acts)


def _since(stimulus: Stimulus) -> float:
    """When the time to react begins: when the act was first the best one."""
    return stimulus.opened if math.isnan(stimulus.known) else stimulus.known


def _at(times: Sequence[float], t: float) -> int:
    """The last entry not after `t` [s]."""
    return max(sum(1 for _ in takewhile(lambda known: known <= t + SAME_S, times)) - 1, 0)


def _names(subject: str, about: str) -> bool:
    return subject == about or subject.startswith(about + " ")


SETTLED: dict[str, Callable[[Stimulus, str, Sequence[Act]], Trial]] = {
    "acknowledge": _seen, "detect": _seen, "hold": _seen, "alarm": _warned, "judge": _judged, "consent": _consented,
    "radar": _reported, "channel": _reported, "message": _answered, "probe": _answered, "question": _answered,
    "handover": _answered, "mode": _answered,
}
