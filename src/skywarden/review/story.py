"""Reads a record once from end to end and keeps what a report draws: measures, paths over the
ground, warnings and loads by time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from skywarden.errors import RecordError, SkywardenError
from skywarden.measures.tally import Measures
from skywarden.messages.moment import Moment
from skywarden.messages.picture import NO_STAGE, PROJECTILE, STAGE_NAMES
from skywarden.messages.receipts import OUTCOMES
from skywarden.messages.tables import rows
from skywarden.record.reader import Record
from skywarden.simulator.scenario.load import from_sources as scenario_from
from skywarden.site.load import from_sources as site_from
from skywarden.site.model import Site

POINT_S = 0.5           # between points kept of a path


@dataclass
class Path:
    """A track's path over the ground, thinned. `sure` is the highest probability of being a
    projectile it ever had, `endangered` whether it was ever foreseen in or beside a zone.
    """

    t: list[float] = field(default_factory=list)
    east: list[float] = field(default_factory=list)
    north: list[float] = field(default_factory=list)
    up: list[float] = field(default_factory=list)
    sure: float = 0.0
    endangered: bool = False
    last: float = -math.inf


@dataclass
class Ellipse:
    """Where an impact was expected when its zone's warning was raised; half-axes hold 90 %."""

    east: float
    north: float
    major: float
    minor: float
    turn: float         # of the major axis, counter-clockwise from east [rad]


class Receipt(NamedTuple):
    """One thing heard about one message: taken, acknowledged, refused, expired, or that nobody
    answered.
    """

    t: float
    channel: str
    zone: str
    stage: str
    outcome: str
    latency: float      # since the frame that the message rests on [s]; nan unknown
    who: str


@dataclass
class Story:
    """All a report needs; `cut` says why reading stopped early, if it did."""

    record: Record
    site: Site
    measures: Measures
    paths: dict[int, Path] = field(default_factory=dict)
    ellipses: list[Ellipse] = field(default_factory=list)
    load: list[tuple[float, int, int, float]] = field(default_factory=list)     # t, detections, tracks, late_s
    told: list[Receipt] = field(default_factory=list)
    # of each channel: t, state, fault, where it changed
    channels: dict[str, list[tuple[float, int, str]]] = field(default_factory=dict)
    cut: str | None = None


def read(record: Record) -> Story:
    """The story of a record. Raises RecordError where its own site cannot be read back."""
    try:
        site = site_from(record.header.site_sources, record.header.site)
        scenario = scenario_from(record.header.scenario_sources, site) if record.header.scenario is not None else None
    except RecordError:
        raise
    except SkywardenError as error:
        raise RecordError(f"{record.path}: the site or scenario in this record cannot be read: {error}") from None
    story = Story(record, site, Measures(site, record.simulation, [c.name for c in scenario.classes] if scenario
        else ()))
    raised: set[int] = set()
    try:
        for moment in record.moments():
            _tell(story, moment, raised)
    except RecordError as error:
        story.cut = str(error)
    return story


def _tell(story: Story, moment: Moment, raised: set[int]) -> None:
    frame, picture = moment.frame, moment.picture
    story.measures.take(moment)
    story.load.append((frame.t, rows(frame.detections), rows(picture.tracks), frame.late_s))
    tracks = picture.tracks
    for i, number in enumerate(tracks.number.tolist()):
        path = story.paths.setdefault(number, Path())
        path.sure = max(path.sure, float(tracks.kind[i, PROJECTILE]))
        if frame.t - path.last >= POINT_S - 1e-9:
            path.last = frame.t
            for column, value in zip((path.t, path.east, path.north, path.up),
                    (frame.t, *tracks.state[i, :3].tolist()), strict=True):
                column.append(value)
    for number in set(picture.threats.track.tolist()) & story.paths.keys():
        story.paths[number].endangered = True
    standing = set(picture.warnings.zone.tolist())
    new = standing - raised
    for track in {int(k) for k, z in zip(picture.threats.track, picture.threats.zone, strict=True) if int(z) in new}:
        for row in np.flatnonzero(picture.impacts.track == track):
            story.ellipses.append(_ellipse(picture.impacts.place[row], picture.impacts.covariance[row, :2, :2]))
    raised.clear()
    raised.update(standing)
    _hear(story, moment)


def _hear(story: Story, moment: Moment) -> None:
    """What the channels reported in this frame."""
    frame, names = moment.frame, [name.decode("utf-8", "replace") for name in moment.frame.channels.name.tolist()]
    for name, state, fault in zip(names, frame.channels.state.tolist(), frame.channels.fault.tolist(), strict=True):
        changes = story.channels.setdefault(name, [])
        if not changes or changes[-1][1] != state:
            changes.append((frame.t, state, fault.decode("utf-8", "replace")))
    got = frame.receipts
    for row in range(rows(got)):
        zone, channel, stage, outcome = (int(column[row]) for column in (got.zone, got.channel, got.stage, got.outcome))
        story.told.append(Receipt(
            float(got.t[row]), names[channel] if 0 <= channel < len(names) else "?",
            story.site.zones[zone].name if 0 <= zone < len(story.site.zones) else "",
            ("message by hand" if stage == NO_STAGE else STAGE_NAMES[stage]) if 0 <= stage < len(STAGE_NAMES) else "?",
            OUTCOMES[outcome] if 0 <= outcome < len(OUTCOMES) else "?", float(got.latency[row]),
            bytes(got.who[row]).decode("utf-8", "replace")))


def _ellipse(place: np.ndarray, covariance: np.ndarray) -> Ellipse:
    values, vectors = np.linalg.eigh(covariance) if np.isfinite(covariance).all() else (np.zeros(2), np.eye(2))
    minor, major = np.sqrt(np.maximum(values, 0.0) * 4.605)     # chi-squared, 2 degrees of freedom, 90 %
    return Ellipse(float(place[0]), float(place[1]), float(major), float(minor), math.atan2(vectors[1, 1],
        vectors[0, 1]))
