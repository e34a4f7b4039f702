"""`watch` with its state held between frames: what live data are worked on with. It knows no
rehearsal.
"""

from __future__ import annotations

from skywarden.defence import (
    coverage,
    inbound,
    integrity,
    loss,
    prealert,
    reclassify,
    threat,
    warning,
    warning_stages,
)
from skywarden.defence import watch as belief
from skywarden.defence.registration import state as registration
from skywarden.defence.tracking import cooperative, history
from skywarden.defence.tracking import state as tracking
from skywarden.messages import frame as frames
from skywarden.messages import picture as pictures
from skywarden.messages.frame import Frame
from skywarden.messages.picture import Picture
from skywarden.record.snapshot import freeze, kinds_of, thaw
from skywarden.run.loop import Stepper
from skywarden.site.model import Site

# Classes that the state of `watch` may hold
KINDS = kinds_of((
    belief, coverage, inbound, integrity, reclassify, threat, warning, warning_stages, loss, prealert, registration,
    cooperative, history, tracking, frames, pictures,
))


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

    def begin_anew(self) -> None:
        """Forget everything."""
        self.state = belief.start(self._site)

    def keep(self) -> bytes:
        """The state as bytes: put back, every later picture is the same to the last bit."""
        return freeze(self.state)

    def put_back(self, kept: bytes) -> None:
        """Go on from a state that `keep` gave, of this site and version. Raises RecordError where
        it is damaged.

        kept  what was kept of the state
        """
        self.state = thaw(kept, KINDS)


def watching(site: Site) -> Watching:
    """`watch` at its beginning.

    site  the site as its defender declared it
    """
    return Watching(site)


def stepper(site: Site) -> Stepper:
    """A fresh stepper for live data and a replay of live data: nothing is rehearsed.

    site  the site as its defender declared it
    """
    return Stepper(Watching(site))
