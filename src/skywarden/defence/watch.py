"""THE function: a frame comes in, a picture goes out. Calls the stages in order and knows nothing else."""

from __future__ import annotations

from typing import NamedTuple

from skywarden.defence import impact, inbound, integrity, reclassify, tentative, threat, warning
from skywarden.defence.tracking import tracker
from skywarden.messages.frame import Frame
from skywarden.messages.picture import Picture
from skywarden.site.model import Site


class State(NamedTuple):
    """Everything `watch` remembers from one frame to the next."""

    integrity: integrity.State
    tracks: tracker.State
    marks: reclassify.State
    latches: warning.State
    inbound: inbound.State


def start(site: Site) -> State:
    """The state before the first frame."""
    return State(integrity.start(site), tracker.start(site), reclassify.start(), warning.start(site), inbound.start())


def watch(state: State, frame: Frame, site: Site) -> tuple[State, Picture]:
    """One frame on: what flies, where it falls, who is in danger, whom to warn.

    Pure: the same state, frame and site give the same bits. Neither the clock nor chance nor any
    file is touched.
    """
    trust, frame, health = integrity.examine(state.integrity, frame, site)
    memory, tracks = tracker.track(state.tracks, frame, site)
    health = integrity.timed(health, *tracker.timeliness(state.tracks, memory), site)
    marks, tracks = reclassify.heed(state.marks, tracks, frame)
    impacts = impact.predict(memory, tracks, frame, site)
    threats = threat.assess(impacts, frame, site)
    courses, coming = inbound.watch_out(state.inbound, tracks, memory.block.number, frame, site)
    healthy, lag = integrity.seeing(health, site)
    around = warning.Around(
        healthy, lag, tentative.reaching(memory.block, site), reclassify.dismissed(marks), warning.NOBODY, coming)
    latches, told = warning.decide(state.latches, impacts, threats, frame, site, around)
    picture = Picture(
        frame.t, tracks, impacts, threats, told.warnings, health, coming, told.pre_alerts, told.losses)
    return State(trust, memory, marks, latches, courses), picture
