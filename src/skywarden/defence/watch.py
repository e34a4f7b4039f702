"""THE function: a frame comes in, a picture goes out. Calls the stages in order and knows nothing
else.
"""

from __future__ import annotations

from typing import NamedTuple

from skywarden.defence import coverage, impact, inbound, integrity, reclassify, tentative, threat, warning
from skywarden.defence.registration import learn as registration
from skywarden.defence.registration import state as registers
from skywarden.defence.tracking import classify, tracker
from skywarden.defence.tracking.realigned import realigned, resting_on
from skywarden.defence.tracking.state import Block, biases_of
from skywarden.messages.frame import Frame
from skywarden.messages.picture import Health, Picture, Tracks
from skywarden.messages.tables import Array
from skywarden.site.model import Site

ADRIFT = 0.7    # share of a track that radars of unknown direction gave, from which its place is unknown


class State(NamedTuple):
    """Everything `watch` remembers from one frame to the next."""

    integrity: integrity.State
    tracks: tracker.State
    marks: reclassify.State
    latches: warning.State
    inbound: inbound.State
    registration: registers.State
    coverage: coverage.State


def start(site: Site) -> State:
    """The state before the first frame.

    site  the site as its defender declared it
    """
    return State(integrity.start(site), tracker.start(site), reclassify.start(), warning.start(site), inbound.start(),
        registers.start(site), coverage.start())


def watch(state: State, frame: Frame, site: Site) -> tuple[State, Picture]:
    """One frame on: what flies, where it falls, who is in danger, whom to warn.

    Pure: the same state, frame and site give the same bits. Neither the clock nor chance nor any
    file is touched.
    """
    trust, frame, health = integrity.examine(state.integrity, frame, site)
    learnt, moved = registration.learn(state.registration, frame, site)
    books = registration.books(learnt, site, biases_of(site))
    aligned, before = registration.corrected(learnt, frame), realigned(state.tracks, moved, site)
    memory, tracks = tracker.track(before, aligned, books)
    health = integrity.timed(health, *tracker.timeliness(before, memory), site)
    health = integrity.aligned(health, integrity.Registered(*registration.told(learnt)), site)
    marks, tracks = reclassify.heed(state.marks, tracks, frame)
    impacts = impact.predict(memory, tracks, frame, books)
    kept = coverage.look_back(state.coverage, impacts, frame.t)
    health = coverage.told(kept, health)
    threats = threat.assess(impacts, frame, site)
    courses, coming = inbound.watch_out(
        state.inbound, tracks, memory.block.number, frame, site, classify.bulky(memory.block))
    healthy, lag = integrity.seeing(health, site)
    around = warning.Around(
        healthy, lag, tentative.reaching(memory.block, site), reclassify.dismissed(marks),
        _adrift(memory.block, tracks, health), coming)
    latches, told = warning.decide(state.latches, impacts, threats, frame, site, around)
    picture = Picture(
        frame.t, tracks, impacts, threats, told.warnings, health, coming, told.pre_alerts, told.losses)
    return State(trust, memory, marks, latches, courses, learnt, kept), picture


def _adrift(block: Block, tracks: Tracks, health: Health) -> Array:
    """Numbers of the tracks that rest on radars whose direction is unknown, by more than ADRIFT."""
    astray = health.radars == integrity.ASTRAY
    if not astray.any():
        return warning.NOBODY
    return tracks.number[resting_on(block, tracks.number, astray) > ADRIFT]
