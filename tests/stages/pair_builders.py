"""Two watchers for tests: a way between them that can be cut, own frames made by hand, a light state for `watch`."""

from __future__ import annotations

import threading
import time
from collections import deque

import msgspec
import numpy as np
from builders import a_frame, a_picture

from skywarden.messages.frame import Detections
from skywarden.messages.picture import RAISE, TAKE_COVER, Warnings
from skywarden.run.clock import NoClock
from skywarden.run.loop import Stepper, Wire, run
from skywarden.standby.pair import Pair
from skywarden.standby.place import Place
from skywarden.standby.words import Sealer

KEY = b"a-planted-key-of-thirty-two-bytes"
EPOCH_NS = 1_700_000_000 * 10**9


class Cable:
    """The way between two replicas, in memory; `cut` it and nothing arrives."""

    def __init__(self):
        self.ends, self.cut = {}, False

    def end(self, replica, rank):
        return self.ends.setdefault(replica, End(self, replica, rank))


class End:
    def __init__(self, cable, replica, rank):
        self.cable, self.sealer, self.told = cable, Sealer(KEY, replica, rank), None
        self.boot = self.sealer.boot
        self.said = []

    def say(self, kind, content):
        data = self.sealer.seal(kind, content)
        self.said.append(kind)
        if self.cable.cut:
            return
        for end in list(self.cable.ends.values()):
            if end is not self and end.told is not None:
                word = end.sealer.open(data)
                if word is not None:
                    end.told(word)

    def listen(self, told):
        self.told = told

    def faults(self):
        return ["cut"] if self.cable.cut else []

    def close(self):
        self.told = None


def plots(*ranges, t=0.0):
    """Detections told apart by their ranges."""
    empty = Detections.empty(len(ranges))
    return empty._replace(t=np.full(len(ranges), t), range=np.array(ranges, float))


class Grid:
    """Own frames on a common grid: what came is asked of `arrived(from, to)`, which gives ranges of plots."""

    def __init__(self, arrived=lambda a, b: (), period=0.05, jitter=0.0):
        self.arrived, self.period, self.jitter, self.closed = arrived, period, jitter, threading.Event()

    def __iter__(self):
        begin = time.time() - EPOCH_NS * 1e-9
        number = int(begin / self.period) + 1
        while not self.closed.is_set():
            t = number * self.period
            wait = t + self.jitter - (time.time() - EPOCH_NS * 1e-9)
            if wait > 0 and self.closed.wait(wait):
                return
            yield a_frame(t)._replace(detections=plots(*self.arrived(t - self.period, t), t=t)), None
            number += 1

    def close(self):
        self.closed.set()


class Counting:
    """A state that is easily seen: the plots in the order they came, and what was commanded. POISON kills it."""

    POISON = 666.0

    def __init__(self, survives=True):
        self.state = ((), ())
        self.survives = survives

    def __call__(self, frame):
        if self.POISON in frame.detections.range and not self.survives:
            raise RuntimeError("poison")
        seen, told = self.state
        self.state = ((*seen, *map(float, frame.detections.range)), (*told, *(c.subject for c in frame.commands)))
        n = len(self.state[0])
        warnings = Warnings.empty()
        if n:
            i4, f8 = np.int32, np.float64
            warnings = Warnings(
                np.zeros(1, i4),
                np.full(1, RAISE, np.int8),
                np.zeros(1, f8),
                np.ones(1),
                np.ones(1),
                np.full(1, np.nan),
                np.full(1, float(n)),
                np.full(1, n, i4),
                np.ones(1, i4),
                np.zeros(1, np.bool_),
                np.full(1, TAKE_COVER, np.int8),
            )
        return a_picture(frame.t, warnings=warnings)

    def keep(self):
        return msgspec.msgpack.encode(self.state)

    def put_back(self, kept):
        self.state = tuple(tuple(part) for part in msgspec.msgpack.decode(kept))


class Replica:
    """One watcher running in a thread; `kill` it in the middle of whatever it does."""

    def __init__(self, cable, name, rank, own, silence=0.5, watch=None):
        self.watch = watch or Counting()
        self.commands, self.seen, self.error = deque(), [], None
        self.dead = threading.Event()
        self.link = cable.end(name, rank)

        def waiting():
            told = tuple(self.commands)
            self.commands.clear()
            return told

        self.stepper = Stepper(self.watch)
        self.pair = Pair(
            own, self.stepper, self.link, Place(name, rank, silence=silence, listen=0.1), EPOCH_NS, commands=waiting
        )
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        try:
            run(self.pair, self.stepper, [Wire(self.pair), Wire(self)], NoClock())
        except Exception as error:
            self.error = error
            self.pair.close()

    def take(self, moment):
        self.seen.append((time.time(), moment))

    def close(self):
        self.pair.close()
        self.thread.join(5.0)

    @property
    def role(self):
        return self.pair.role
