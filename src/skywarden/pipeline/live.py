"""`watch` with its state held between frames: what live data are worked on with. It knows no rehearsal."""

from __future__ import annotations

from skywarden.defence import watch as belief
from skywarden.messages.frame import Frame
from skywarden.messages.picture import Picture
from skywarden.run.loop import Stepper
from skywarden.site.model import Site


class Watching:
    """`watch`, remembering between frames.

    state   everything it remembers, one value: read it, keep it, put it back
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self.state = belief.start(site)

    def __call__(self, frame: Frame) -> Picture:
        """The picture after one more frame."""
        self.state, picture = belief.watch(self.state, frame, self._site)
        return picture


def watching(site: Site) -> Watching:
    """`watch` at its beginning."""
    return Watching(site)


def stepper(site: Site) -> Stepper:
    """A fresh stepper for live data and a replay of live data: nothing is rehearsed."""
    return Stepper(Watching(site))
