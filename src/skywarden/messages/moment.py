"""What a sink takes: all there is at one instant, of which its kind may see a part."""

from __future__ import annotations

from typing import NamedTuple

from skywarden.messages.drill import Drill
from skywarden.messages.frame import Frame
from skywarden.messages.picture import Picture
from skywarden.messages.truth import Truth


class Moment(NamedTuple):
    """All there is at one instant. A sink is handed only what its kind may see; the rest is None."""

    frame: Frame
    picture: Picture
    drill: Drill | None     # simulations only
    truth: Truth | None     # simulations only; recorder and tally
