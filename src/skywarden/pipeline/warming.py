"""All kernels compiled before the first real frame: the first time on a machine by two processes
side by side, as compiling takes a minute and a half of work.

This process flies an invented round through every stage. The other begins where the first arrives
last, with stages handed invented input, and leaves what it compiled where this one finds it. It is
handed no frame, and computes nothing that is shown or recorded.
"""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from skywarden.defence import impact, threat
from skywarden.defence.tracking import associate, cooperative, maintain, tracker
from skywarden.defence.tracking.state import empty_block, hypotheses
from skywarden.kernels.estimation.motion import STATES
from skywarden.kernels.geometry.polar import to_polar
from skywarden.messages.frame import Aircraft, Detections, Frame, Inputs, Radars
from skywarden.messages.picture import Health, Picture, Tracks, Warnings
from skywarden.messages.tables import Array
from skywarden.pipeline import compiled
from skywarden.pipeline.live import watching
from skywarden.site.load import load as load_site
from skywarden.site.model import Site

FRAMES = 40             # of the invented flight, enough to pass through every stage
FLIGHT_S = 12.0         # from its first frame to its impact
LEVEL, FALL = 150.0, 90.0       # m/s, its speed over the ground, and downwards at impact
SITE = "kabul"          # site that the other process works on: kernels are the same at every site


class Extra(NamedTuple):
    """What a simulation compiles beyond `watch`; this module knows no rehearsal.

    kind        one word for what has been compiled
    module      that the other process runs
    rehearsing  (site) -> (frame, picture) -> drill
    rare        compiles what no invented flight shows
    """

    kind: str
    module: str
    rehearsing: Callable[[Site], Callable[[Frame, Picture], Any]]
    rare: Callable[[], None]


def warm(site: Site, extra: Extra | None = None) -> None:
    """Compile all kernels that a run at this site needs, or load them where that has been done.

    site   Site
    extra  what is compiled for a simulation, too; None on live data
    """
    compiled.survive_full_disk()
    kind, module = (extra.kind, extra.module) if extra is not None else ("live", __name__)
    if compiled.are_kept(kind):
        fly(site, extra)
    else:
        with _beside(module):
            fly(site, extra)
        # what the other could not finish, or all of it where it could not be started
        last_stages(load_site(SITE), extra)
        compiled.note_kept(kind)
    # what compiled stays: looking through it for garbage would hold up a frame for half a second now and then
    gc.collect()
    gc.freeze()


@contextmanager
def _beside(module: str) -> Iterator[None]:
    """The second process, waited for at the end and ended with this one."""
    try:
        child = subprocess.Popen([sys.executable, "-m", module], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
    except OSError:
        yield
        return
    try:
        yield
        child.wait()
    finally:
        child.kill()
        child.wait()


class Invented(NamedTuple):
    """A round coming down in the middle of the first zone."""

    position: Array     # (3,)
    velocity: Array     # (3,)


def invented(site: Site, t: float) -> Invented:
    """Where it is at time `t` [s].

    site  the site as its defender declared it
    """
    middle = site.zones[0].polygon.mean(axis=0) if site.zones else np.zeros(2)
    left = FLIGHT_S - t
    return Invented(
        np.array([middle[0] - LEVEL * left, middle[1], FALL * left - 0.5 * 9.81 * left * left]),
        np.array([LEVEL, 0.0, 9.81 * left - FALL]))


def frame_at(site: Site, t: float, detections: Detections) -> Frame:
    """A frame of these detections and one airliner that says where it is.

    site  the site as its defender declared it
    t     time of the frame [s]
    """
    airliner = Aircraft.empty(1)._replace(
        t=np.array([t]), address=np.array([1], np.int64), position=np.array([[9000.0 - 80.0 * t, 5000.0, 2000.0]]),
        velocity=np.array([[-80.0, 0.0, 0.0]]))
    return Frame(t, detections, airliner, site.weather, (), Radars.staring(len(site.radars), t), Inputs.none(), 0.0)


def fly(site: Site, extra: Extra | None = None) -> None:
    """Pass the invented flight through every stage.

    site   the site as its defender declared it
    extra  what else is to be compiled, None for nothing
    """
    radars = [k for k, radar in enumerate(site.radars) if np.isfinite(radar.elevation_sigma)]
    watch, rehearse = watching(site), extra.rehearsing(site) if extra is not None else None
    for k in range(FRAMES):
        t = k * site.policy.frame_s
        detections = Detections.empty(len(radars[:1]))
        for sensor in radars[:1]:
            place, speed = invented(site, t)
            polar = to_polar(place[None], speed[None], site.radars[sensor].place)
            detections = detections._replace(
                t=np.array([t]), sensor=np.array([sensor], np.int32), range=polar[0], azimuth=polar[1],
                elevation=polar[2], range_rate=polar[3])
        frame = frame_at(site, t, detections)
        picture = watch(frame)
        if rehearse is not None:
            rehearse(frame, picture)


def last_stages(site: Site, extra: Extra | None = None) -> None:
    """Hand invented tracks to what ends and sums up tracks, and to the stages behind the tracker.

    site   the site as its defender declared it
    extra  what else is to be compiled, None for nothing
    """
    model = tracker.model_of(site, site.weather)
    kinds = hypotheses(site)
    laws = kinds - 2
    known, number = cooperative.start(), 2
    rehearse = extra.rehearsing(site) if extra is not None else None
    for k in range(FRAMES):
        t = k * site.policy.frame_s
        frame = frame_at(site, t, Detections.empty())
        place, speed = invented(site, t)
        x = np.zeros((1, kinds, STATES))
        x[0, :, :3], x[0, :, 3:6], x[0, :laws, 6] = place, speed, model.mean[:laws, 6]
        spread = np.diag([9.0, 9.0, 9.0, 4.0, 4.0, 4.0, 0.1, *np.zeros(STATES - 7)])
        block = empty_block(kinds, 1)._replace(number=np.array([1]), time=np.array([t]), x=x,
            p=np.tile(spread, (1, kinds, 1, 1)))
        about = (np.ones(1, np.bool_), np.zeros(1), np.full(1, 2.0 * np.pi), model, site.ground)
        maintain.conclude(block, np.zeros(1, np.int32), t, t, *about)
        maintain.opinions(block, np.zeros(1, np.int64), t, model)
        associate.remember(tracker.start(site).map.copy(), np.zeros(1, np.int32), np.zeros((1, 4)), np.ones(1), model)
        state = np.concatenate((place, speed, [1e-4]))[None]
        tracks = Tracks(
            np.array([1]), state, np.diag([9.0, 9.0, 9.0, 4.0, 4.0, 4.0, 1e-10])[None], np.array([t]), np.zeros(1),
            np.full(1, 20, np.int32),
            np.array([[1.0, 0.0, 0.0]]), np.zeros(1, np.int32), np.full(1, -1, np.int64))
        impacts = impact.predict(tracker.start(site)._replace(block=block, t=t), tracks, frame, site)
        threats = threat.assess(impacts, frame, site)
        if rehearse is not None:
            rehearse(frame, Picture(t, tracks, impacts, threats, Warnings.empty(),
                Health(np.zeros(len(site.radars), np.int8), 0.0, 0, 0, 0.0)))
        known, reported, number = cooperative.track(known, frame, site, number)
        cooperative.merged(tracks, reported, cooperative.correlate(tracks, reported))
    if extra is not None:
        extra.rare()


if __name__ == "__main__":
    last_stages(load_site(SITE))
