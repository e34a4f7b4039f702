"""The stages of a simulation in their order, each with its state held between frames: the one place
where `rehearse` is wired.
"""

from __future__ import annotations

from skywarden.messages import drill as drills
from skywarden.messages import frame as frames
from skywarden.messages.drill import Drill
from skywarden.messages.frame import Frame
from skywarden.messages.picture import Inbound, Picture
from skywarden.pipeline.live import Watching, watching
from skywarden.record.snapshot import freeze, kinds_of, thaw
from skywarden.rehearsal import airport, assess, engage, separation
from skywarden.rehearsal import rehearse as rehearsal
from skywarden.rehearsal.aircraft import memory, reports
from skywarden.run.loop import Stepper
from skywarden.site.model import Site

__all__ = ["Rehearsing", "rehearsing", "stepper", "watching"]


# Classes that the state of `rehearse` may hold
KINDS = kinds_of((rehearsal, airport, assess, engage, memory, reports, drills, frames))


class Rehearsing:
    """`rehearse`, remembering between frames. Wired in simulations only.

    state   everything it remembers, one value: read it, keep it, put it back
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self.state = rehearsal.start(site)
        self._airport = drills.Airport(True, 0, 0.0)    # as the newest drill showed it

    def __call__(self, frame: Frame, picture: Picture) -> Drill:
        """The drill after one more frame and its picture; nothing is rehearsed against powered
        objects.
        """
        self.state, drill = rehearsal.rehearse(self.state, frame, picture._replace(inbound=Inbound.empty()), self._site)
        self._airport = drill.airport
        return drill

    def without(self, frame: Frame) -> Drill:
        """The drill of a frame that could not be rehearsed: nothing is cleared or engaged, the
        airport stays as it was, and what people ordered in the frame is kept.
        """
        status, holds, consents = engage.obey(self.state.status, self.state.holds, self.state.consents, frame)
        self.state = self.state._replace(status=status, holds=holds, consents=consents)
        return Drill(frame.t, status, (), (), (), self._airport)

    def keep(self) -> bytes:
        """The state as bytes: put back, every later drill is the same to the last bit."""
        return freeze(self.state)

    def put_back(self, kept: bytes) -> None:
        """Go on from a state that `keep` gave, of this site and version. Raises RecordError where
        it is damaged.

        kept  what was kept of the state
        """
        self.state = thaw(kept, KINDS)


def rehearsing(site: Site) -> Rehearsing:
    """`rehearse` at its beginning.

    site  the site as its defender declared it
    """
    return Rehearsing(site)


def stepper(site: Site, simulation: bool) -> Stepper:
    """A fresh stepper: with `rehearse` in a simulation and its replay, without it on live data and
    on a replay of live data.

    site  the site as its defender declared it
    """
    return Stepper(Watching(site), Rehearsing(site) if simulation else None)


def compile_the_rare() -> None:
    """Compile what a rehearsal asks only where an aircraft stands in the way, which no invented
    flight shows.
    """
    separation.compile_the_rare()

