"""What has to be noticed and told when equipment fails: a radar in doubt, a warning channel that
does not answer.
"""

from __future__ import annotations

from skywarden.exercise.reading import NOTE, SAY, Instant
from skywarden.exercise.stimulus import Stimulus
from skywarden.messages.commands import HOLD
from skywarden.messages.receipts import FAILING, UNANSWERED
from skywarden.site.model import Site

RADAR_S = 30.0          # time to note, tell and hold when a radar is in doubt [s]
CHANNEL_S = 20.0        # time to note a dead channel and tell the people otherwise [s]
STATES = ("working", "silent", "doubtful", "late")


class Equipment:
    """Collects what failed; fed instants in their order."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._radars: dict[int, int] = {}
        self._channels: dict[str, bool] = {}
        self.stimuli: list[Stimulus] = []

    def take(self, now: Instant) -> None:
        """One instant.

        now  this instant of the record
        """
        for row, state in enumerate(now.picture.health.radars.tolist()):
            if row < len(self._site.radars) and state and not self._radars.get(row, 0):
                said = STATES[state] if state < len(STATES) else "not to be trusted"
                steps = (NOTE, SAY) if now.drill is None else (NOTE, SAY, HOLD)
                self.stimuli.append(_failed("radar", self._site.radars[row].name, now.t, RADAR_S, steps, said))
            self._radars[row] = state
        names = [name.decode("utf-8", "replace") for name in now.channels.name.tolist()]
        for name, state in zip(names, now.channels.state.tolist(), strict=True):
            dead = state in (FAILING, UNANSWERED)
            if dead and not self._channels.get(name, False):
                self.stimuli.append(_failed("channel", name, now.t, CHANNEL_S, (NOTE, SAY), "does not answer"))
            self._channels[name] = dead


def _failed(task: str, name: str, t: float, window: float, steps: tuple[str, ...], said: str) -> Stimulus:
    return Stimulus(
        task, f"{task} {name}", t, t + window, t + window, NOTE, known=t, steps=steps, traps=("gone",),
            shown=(("it is", said),))
