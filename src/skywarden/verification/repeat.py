"""Compares what is believed and rehearsed now with what was recorded, bit for bit, and names the
first difference.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from skywarden.errors import RecordError
from skywarden.messages.drill import Drill
from skywarden.messages.frame import Frame
from skywarden.messages.picture import Picture
from skywarden.record.codec import decode, differences, encode, unlike
from skywarden.record.header import FORMAT, machine
from skywarden.record.reader import Record, Row


class Comparison(NamedTuple):
    """How a check ended."""

    same: bool
    frames: int         # compared and found the same
    n: int              # number of the first frame that differs, from 1; 0 none
    t: float            # its time [s]; nan none
    sentence: str       # the result in words, naming what differs


def check_record(
    record: Record, step: Callable[[Frame], tuple[Picture, Drill | None]],
    progress: Callable[[int], None] = lambda frames: None,
    put_back: Callable[[bytes, bytes | None], None] | None = None,
) -> Comparison:
    """Step every recorded frame again and compare; stops at the first frame, picture or drill that
    is not the recorded one.

    step      what a fresh session of the record's own site does with a frame: watch, and rehearse
              where the record is of a simulation
    progress  told how many frames have been compared
    put_back  makes that session remember what a snapshot holds: a record that goes on from another
              begins with one, and after frames that were not recorded one follows
    """
    if not record.header_sound:
        return Comparison(False, 0, 0, float("nan"), f"{record.path}: the header is not as it was recorded")
    frames = 0
    missing: list[str] = []
    for row, gap, damage in record.chained():
        snapshot = record.snapshot(row.n) if put_back and damage is None and (row.n == 1 or gap is not None) else None
        if snapshot is not None and put_back is not None:
            try:
                put_back(snapshot.watch, snapshot.rehearsal)
            except RecordError as error:
                return Comparison(False, frames, row.n, row.t, f"{record.path}: before frame {row.n}: {error}"
                    f"{_elsewhere(record)}")
            missing += [] if gap is None else [str(gap)]
        elif gap is not None and damage is None:
            said = (f"{record.path}: {frames} frames, every picture the same to the last bit; then {gap}. What follows "
                "cannot be repeated without them")
            return Comparison(True, frames, 0, float("nan"), said)
        fault = damage or _unlike(record, row, step)
        if fault is not None:
            return Comparison(False, frames, row.n if row.n == frames + 1 else frames + 1, row.t,
                f"{record.path}: {fault}")
        frames += 1
        progress(frames)
    return Comparison(True, frames, 0, float("nan"),
        f"{record.path}: {frames} frames, every picture the same to the last bit" + "".join(f"; {m}" for m in missing))


def _unlike(record: Record, row: Row, step: Callable[[Frame], tuple[Picture, Drill | None]]) -> str | None:
    try:
        frame = decode(row.frame, Frame)
    except RecordError as error:
        return f"frame {row.n} at {row.t:.2f} s cannot be decoded: {error}"
    if frame.t != row.t:
        return f"frame {row.n} is filed under {row.t:.2f} s and says {frame.t:.2f} s"
    picture, drill = step(frame)
    for name, kind, recorded, now in (("picture", Picture, row.picture, picture), ("drill", Drill, row.drill, drill)):
        fault = _compare(name, kind, recorded, now, record.form)
        if fault is not None:
            return f"the {name} of frame {row.n} at {row.t:.2f} s differs: {fault}{_elsewhere(record)}"
    return None


def _compare(name: str, kind: type, recorded: bytes | None, now: Any, form: int) -> str | None:
    if recorded is None or now is None:
        was, here = ("none" if it is None else "one" for it in (recorded, now))
        return None if was == here else f"{was} was recorded, now there is {here}"
    if encode(now, form) == recorded:
        return None
    try:
        found = differences(decode(recorded, kind), now) if form == FORMAT else unlike(recorded, now, form)
    except RecordError as error:
        return f"the recorded {name} cannot be decoded: {error}"
    return "; ".join(found[:3]) + (f"; and {len(found) - 3} columns more" if len(found) > 3
        else "") if found else "the encoding" if form == FORMAT else None


def _elsewhere(record: Record) -> str:
    """On another processor or with other versions the last bits may differ: say so, with what is
    different.
    """
    here = machine()
    other = [f"{key} {value} (here {here[key]})" for key, value in record.machine.items() if key in here
        and here[key] != value]
    return f"\n    It was recorded with {', '.join(other)}: there the last bits may differ" if other else ""
