"""All that a page may be made from: a type with no place for the truth, nor for what the radars
measured, nor for a scenario.

`shown` is the only way from a moment to a page. What is not a field here cannot come out of the
server, by whatever route it is asked for.
"""

from __future__ import annotations

from typing import NamedTuple

from skywarden.messages.commands import Command
from skywarden.messages.drill import Drill
from skywarden.messages.frame import Aircraft, Delivered, Inputs, Radars
from skywarden.messages.moment import Moment
from skywarden.messages.picture import Picture
from skywarden.messages.receipts import Channels


class Shown(NamedTuple):
    """One instant as people may see it."""

    t: float
    picture: Picture
    drill: Drill | None
    aircraft: Aircraft                  # what aircraft say about themselves
    commands: tuple[Command, ...]       # what people said
    delivered: tuple[Delivered, ...]    # what was said to them
    radars: Radars                      # when each was heard last
    inputs: Inputs
    channels: Channels
    late_s: float


def shown(moment: Moment | Shown) -> Shown:
    """A moment without what no page may hold."""
    if isinstance(moment, Shown):
        return moment
    f = moment.frame
    return Shown(
        f.t, moment.picture, moment.drill, f.aircraft, f.commands, f.delivered, f.radars, f.inputs, f.channels,
        f.late_s)
