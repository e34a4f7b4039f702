"""What people say a track is, laid over what the tracker believes of it until they take it back."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from skywarden.messages.commands import RECLASSIFY, UNMARKED
from skywarden.messages.frame import Frame
from skywarden.messages.picture import KIND_NAMES, PROJECTILE, Tracks
from skywarden.messages.tables import Array

KEPT_S = 120.0      # s that the mark of a track out of sight is remembered; its number is never used again


class Mark(NamedTuple):
    """One person's word about one track."""

    track: int
    kind: int           # column of `Tracks.kind`
    seen: float         # when the track was last among the tracks [s]


State = tuple[Mark, ...]


def start() -> State:
    """Nobody has said anything."""
    return ()


def heed(marks: State, tracks: Tracks, frame: Frame) -> tuple[State, Tracks]:
    """The tracks with every marked one taken for what a person said it is: that kind with
    probability 1.

    marks  what people have said of tracks
    frame  what came in at this frame

    A mark stands until it is taken back or the track has been gone for KEPT_S. A word that makes no
    sense changes nothing.
    """
    for command in frame.commands:
        if command.kind == RECLASSIFY:
            marks = _told(marks, command.subject, frame.t)
    if not marks:
        return marks, tracks
    row = {int(number): k for k, number in enumerate(tracks.number)}
    marks = tuple(mark._replace(seen=frame.t) if mark.track in row else mark for mark in marks if mark.track in row
        or frame.t - mark.seen <= KEPT_S)
    kind = tracks.kind.copy()
    for mark in marks:
        if mark.track in row:
            kind[row[mark.track]] = np.eye(len(KIND_NAMES))[mark.kind]
    return marks, tracks._replace(kind=kind)


def dismissed(marks: State) -> Array:
    """Numbers (k,), int64, of the tracks that somebody says are no projectiles.

    marks  what people have said of tracks
    """
    return np.array([mark.track for mark in marks if mark.kind != PROJECTILE], np.int64)


def _told(marks: State, subject: str, t: float) -> State:
    number, _, name = subject.partition(" ")
    if not (number.isascii() and number.isdecimal() and len(number) < 19) or name not in (*KIND_NAMES, UNMARKED):
        return marks
    others = tuple(mark for mark in marks if mark.track != int(number))
    return others if name == UNMARKED else (*others, Mark(int(number), KIND_NAMES.index(name), t))
