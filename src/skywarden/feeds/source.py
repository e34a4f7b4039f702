"""What every live or recorded input looks like to the rest: a source that gives batches of plots,
reports and looks.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple, Protocol

from skywarden.messages.frame import NO_ADDRESS, Detections, Weather
from skywarden.messages.tables import Array

Kinds = Mapping[str, int]       # how many messages, by what they are called in their format
Counts = Mapping[int, int]      # how many, by cause: a column of `Inputs.causes`
NONE: Counts = MappingProxyType({})
NO_KINDS: Kinds = MappingProxyType({})


NO_PLOTS = Detections.empty()
NO_ARRIVALS: Array = NO_PLOTS.t


class Beyond(int):
    """The cause ELSEWHERE with the place that was told, so that a first look at an input can go
    there.
    """

    place: tuple[float, float]      # latitude, longitude [rad]

    def __new__(cls, cause: int, place: tuple[float, float]) -> Beyond:
        made = super().__new__(cls, cause)
        made.place = place
        return made


class Plot(NamedTuple):
    """One radar detection; the fields of `Detections`. `t` [s] is in the source's own clock."""

    t: float
    sensor: int
    range: float
    azimuth: float
    elevation: float = math.nan
    range_rate: float = math.nan
    snr: float = math.nan
    pressure_altitude: float = math.nan
    address: int = NO_ADDRESS


class Report(NamedTuple):
    """One aircraft's report; the fields of `Aircraft`. `t` [s] is in the source's own clock."""

    t: float
    address: int
    callsign: bytes
    position: tuple[float, float, float]
    velocity: tuple[float, float, float]
    pressure_altitude: float
    nic: int
    nacp: int
    source: int
    on_ground: bool


class Look(NamedTuple):
    """A sign of life of a radar: it was heard at `t` [s].

    azimuth [rad] of its beam, nan unknown; width [rad] of what it has looked at from there on
    clockwise, nan unknown.
    """

    t: float
    sensor: int
    azimuth: float = math.nan
    width: float = math.nan


Item = Plot | Report | Look
Sender = tuple[int | str, ...]      # its identity, as far as it says one


class Batch(NamedTuple):
    """What one piece of input held. Counts are of this piece alone.

    t            clock of the source after it [s]; nan while it has none
    items        in no particular order, each with its own time
    received     messages decoded
    undecodable  bytes that could not be decoded
    rejected     messages that are not used, by cause
    arrived      when it came in, by the monotonic clock [s]; nan from a file
    sender       who sent the items, among those that share the source; each has a clock of its own
    steps        how far its clock was found to have been set anew, one entry [s] each time
    kinds        of `received`, how many of what kind, by their format's own names
    plots        plots beside those in `items`, as columns; their times are the sender's
    weather      what the air is from now on; None: as it was
    arrivals     (n plots,) when each of these came in, by the monotonic clock [s], rising
    """

    t: float
    items: tuple[Item, ...] = ()
    received: int = 0
    undecodable: int = 0
    rejected: Counts = NONE
    arrived: float = math.nan
    sender: Sender = ()
    steps: tuple[float, ...] = ()
    kinds: Kinds = NO_KINDS
    plots: Detections = NO_PLOTS
    arrivals: Array = NO_ARRIVALS
    weather: Weather | None = None

    @property
    def beyond(self) -> tuple[float, float] | None:
        """Where something refused as too far away says it is [rad]; None where nothing does."""
        return next((cause.place for cause in self.rejected if isinstance(cause, Beyond)), None)


def both(first: Counts, second: Counts) -> Counts:
    """Two counts by cause as one.

    first   the first counts
    second  the second counts
    """
    if not second:
        return first
    return Counter(first) + Counter(second) if first else second


class Source(Protocol):
    """One input. A file is iterated to its end as fast as asked; a live one is polled."""

    name: str       # shown beside its counts
    live: bool      # polled, and timed by arrival
    dated: bool     # `t` counts from 1970-01-01 UTC; else from some midnight
    relative: bool  # `t` is already the run's own time
    simulated: bool     # what is marked as simulated is used: nothing of it may reach people as real

    def __iter__(self) -> Iterator[Batch]: ...

    def poll(self) -> list[Batch]:
        """Everything that has arrived since the last call, perhaps nothing."""
        ...

    def close(self) -> None:
        """Release files and sockets."""
        ...
