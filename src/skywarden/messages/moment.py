"""What a sink takes: all there is at one instant, of which its kind may see a part."""

from __future__ import annotations

from typing import Any, NamedTuple

from skywarden.messages.drill import Drill
from skywarden.messages.frame import Frame
from skywarden.messages.picture import Picture
from skywarden.messages.truth import Truth


class Remembered(NamedTuple):
    """What is remembered between frames, as it was before the frame of a moment. Never changed, so
    it may be kept.
    """

    watch: Any
    rehearsal: Any = None   # simulations only
    taken_up: bool = False  # it was put back from elsewhere just before: what was remembered until then is gone


class Moment(NamedTuple):
    """All there is at one instant. A sink is handed only what its kind may see; the rest is None."""

    frame: Frame
    picture: Picture
    drill: Drill | None     # simulations only
    truth: Truth | None     # simulations only; recorder and tally
    before: Remembered | None = None    # recorder only
