"""The sink that shows a simulation to another system. It is made from a scenario, and takes
nothing without a truth: a live run has neither.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Protocol, cast

from skywarden.emit.forms import Form, Target, target
from skywarden.emit.shown import Shown, Stage
from skywarden.messages.moment import Moment
from skywarden.simulator.scenario.model import Scenario
from skywarden.site.model import Site


class Emitter(Protocol):
    """One way out."""

    @property
    def fault(self) -> str:
        """What is wrong with the way out; empty where nothing is."""
        ...

    def send(self, shown: Shown) -> None:
        """Send what one instant holds.

        shown  what of a simulation is shown to others
        """
        ...

    def close(self) -> None:
        """Release sockets."""
        ...


class Emit:
    """A Sink of a simulation's moments, one URL. Raises UsageError for a wrong URL, FeedError
    where it cannot be opened.
    """

    def __init__(self, url: str, scenario: Scenario, site: Site) -> None:
        if not isinstance(scenario, Scenario):
            raise TypeError("only a simulation is shown to other systems: it is made from a scenario")
        where = target(url)
        self.name = f"emit {where.form.scheme} {where.host}:{where.port}"
        self._emitter = _maker(where.form)(where, Stage(scenario, site))

    @property
    def fault(self) -> str:
        """What is wrong with the way out now; empty where nothing is."""
        return self._emitter.fault

    def take(self, moment: Moment) -> None:
        """Show one moment. Raises TypeError for one without a truth: it is no simulation's."""
        if moment.truth is None:
            raise TypeError("only a simulation's moments are shown to other systems, and this one has no truth")
        self._emitter.send(Shown(moment.frame.t, moment.frame, moment.picture.tracks, moment.truth))

    def close(self) -> None:
        """Close the way out."""
        self._emitter.close()


def _maker(form: Form) -> Callable[[Target, Stage], Emitter]:
    return cast(
        Callable[[Target, Stage], Emitter],
        getattr(importlib.import_module(f"skywarden.emit.{form.module}"), form.maker),
    )
