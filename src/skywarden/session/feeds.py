"""The inputs of a run, and the clock that suits them."""

from __future__ import annotations

import threading

from rich.console import Console

from skywarden.run.clock import Clock, NoClock, ScaledClock
from skywarden.run.patience import Words
from skywarden.run.ports import Feed

WORDS = Words()     # what is said of inputs while a run goes on


def is_live(feed: Feed) -> bool:
    """Whether the feed keeps time itself, because something out there does."""
    return bool(getattr(feed, "live", False))


def clock_of(speed: float | None, stop: threading.Event, changing: bool = False) -> Clock:
    """No clock at all speed, unless people may change it; else one that an interruption wakes.

    stop      set when the run is to end
    changing  whether the pace may be changed
    """
    return NoClock() if speed is None and not changing else ScaledClock(speed, sleep=stop.wait)


def say(sentence: str, talk: Console) -> None:
    """Tell what people should know of an input, without waiting for their terminal.

    sentence  what to say
    talk      where people are spoken to: standard error
    """
    WORDS.say(lambda: talk.print(sentence, highlight=False, markup=False, soft_wrap=True))
