"""Numbers about a running service for Prometheus; docs/guide/service.md says what each means."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from skywarden.messages.moment import Moment
from skywarden.messages.picture import CLEAR, RAISE
from skywarden.run.mailbox import SinkState

ROLES = ("starting", "joining", "following", "leading")


class Gauges:
    """Made from the newest moment, and from what is asked when somebody reads.

    sinks   () -> how every sink and channel fares
    pair    () -> the pair's Status; None alone
    faults  () -> (what, sentence) of what is wrong now, empty sentences for what is not
    """

    def __init__(
        self,
        site: str,
        version: str,
        sinks: Callable[[], Sequence[SinkState]] = tuple,
        pair: Callable[[], Any] = lambda: None,
        faults: Callable[[], Sequence[tuple[str, str]]] = tuple,
    ) -> None:
        self.registry = CollectorRegistry()
        self.sinks, self.pair, self.faults = sinks, pair, faults
        own: dict[str, Any] = {"registry": self.registry, "namespace": "skywarden"}
        self._seen_n: int | None = None
        Gauge("build_info", "Version and site; always 1", ("version", "site"), **own).labels(version, site).set(1)
        self._ready = Gauge("ready", "1 where somebody could be warned now", **own)
        self._frames = Counter("frames", "Frames worked on", **own)
        self._detections = Counter("detections", "Radar detections in frames", **own)
        self._step = Histogram(
            "step_seconds", "Work on one frame", buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0), **own
        )
        self._late = Gauge("frame_late_seconds", "How late the newest frame was", **own)
        self._age = Gauge("picture_age_seconds", "Time since the newest picture", **own)
        self._tracks = Gauge("tracks", "Confirmed tracks", **own)
        self._standing = Gauge("zones_warned", "Zones under warning", **own)
        self._raised = Counter("warnings_raised", "Warnings raised", **own)
        self._radar = Gauge("radar_up", "1 where the radar works", ("radar",), **own)
        self._heard = Gauge("radar_heard_seconds", "Time since the radar was last heard", ("radar",), **own)
        self._sink = Gauge("sink_fault", "1 where a sink or warning channel fares badly", ("sink",), **own)
        self._waiting = Gauge("sink_waiting", "Moments or messages that wait for it", ("sink",), **own)
        self._shown: set[str] = set()   # names of sinks and inputs that had a state before
        self._lost = Gauge("sink_lost", "Moments or messages that it never got, since the start", ("sink",), **own)
        self._fault = Gauge("fault", "1 where something is wrong", ("what",), **own)
        self._role = Gauge("pair_role", "1 for the role that this watcher has", ("role",), **own)
        self._peer = Gauge("pair_heard_seconds", "Time since the other watcher was last heard", **own)
        self._different = Gauge(
            "pair_pictures_different", "Pictures that differed from the other's, since the start", **own
        )
        self._takeovers = Gauge("pair_takeovers", "Times that this watcher went on alone, since the start", **own)
        self._newest = -1.0
        self.names: tuple[str, ...] = ()
        self.took: Callable[[], float] = lambda: 0.0

    def see(self, moment: Moment) -> None:
        """Count one moment."""
        self._newest = time.monotonic()
        frame, warnings = moment.frame, moment.picture.warnings
        self._frames.inc()
        self._detections.inc(int(frame.detections.t.shape[0]))
        self._step.observe(self.took())
        self._late.set(frame.late_s)
        self._tracks.set(int(moment.picture.tracks.number.shape[0]))
        self._standing.set(int((warnings.action != CLEAR).sum()))
        self._raised.inc(int((warnings.action == RAISE).sum()))
        for name, up, heard in zip(self.names, frame.radars.up.tolist(), frame.radars.heard.tolist(), strict=False):
            self._radar.labels(name).set(int(up))
            self._heard.labels(name).set(frame.t - heard)

    def refresh(self, ready: bool) -> None:
        """Ask what is asked only when somebody reads.

        ready  whether the service is ready
        """
        self._ready.set(int(ready))
        self._age.set(time.monotonic() - self._newest if self._newest >= 0.0 else float("nan"))
        states = self.sinks()
        for gone in self._shown - {state.name for state in states}:     # an input that is well again, for one
            self._sink.labels(gone).set(0)
        self._shown |= {state.name for state in states}
        for state in states:
            self._sink.labels(state.name).set(int(bool(state.fault)))
            self._waiting.labels(state.name).set(state.waiting)
            self._lost.labels(state.name).set(state.lost)
        for what, sentence in self.faults():
            self._fault.labels(what).set(int(bool(sentence)))
        status = self.pair()
        if status is not None:
            for role in ROLES:
                self._role.labels(role).set(int(status.role == role))
            self._peer.set(float("inf") if status.heard is None else status.heard)
            self._different.set(status.different)
            self._takeovers.set(status.takeovers)
