"""Nouns to bytes and back, bit for bit; what comes back from a file is checked as if a stranger had
written it.

Every value becomes MessagePack: numbers, text and None as they stand, a tuple as [0, items…], a
noun as [1, its name, fields…], an array as [2, dtype, shape, little-endian bytes in row order]. A
noun's name is the one in `WRITTEN`, whatever its class is called. The page docs/models/record.md
draws it.
"""

from __future__ import annotations

import dataclasses
import math
import re
import sys
from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np

from skywarden.errors import RecordError
from skywarden.messages.commands import Command
from skywarden.messages.drill import (
    Airport,
    Allocation,
    Approaches,
    Assessment,
    Clearance,
    Drill,
    Evidence,
    Fallout,
    Order,
    Reached,
)
from skywarden.messages.frame import CAUSES, Aircraft, Delivered, Detections, Frame, Inputs, Radars, Weather
from skywarden.messages.picture import (
    ALL_CLEAR,
    CLEAR,
    STAY,
    TAKE_COVER,
    Health,
    Impacts,
    Inbound,
    Losses,
    Picture,
    PreAlerts,
    Threats,
    Tracks,
    Warnings,
)
from skywarden.messages.receipts import Channels, Receipts
from skywarden.messages.truth import Injected, Truth
from skywarden.record.header import FORMAT, QUALIFIED

TUPLE, NOUN, ARRAY = 0, 1, 2
MOST_BYTES = 256 * 1024 * 1024          # of one encoded value; a frame of 10,000 tracks is about 8 MB
DEEPEST = 12                            # nesting of nouns and tuples; the deepest of ours is 5
DTYPES = frozenset(("<f8", "<f4", "<i8", "<i4", "<i2", "|i1", "<u8", "<u4", "<u2", "|u1", "|b1"))
TEXT_DTYPE = re.compile(r"\|S[1-9][0-9]{0,3}")

_nothing = Truth.nothing(0.0)
_no_clearance = Clearance(0, 0, 0.0, 0.0, False, "", 0.0, 0, 0.0)
_samples: tuple[Any, ...] = (
    Detections.empty(), Aircraft.empty(), Weather.still(), Radars.staring(0, 0.0), Inputs.none(), Command(0.0, "", "",
        "", ""),
    Channels.none(), Receipts.none(),
    Frame(0.0, Detections.empty(), Aircraft.empty(), Weather.still(), (), Radars.staring(0, 0.0), Inputs.none(), 0.0),
    Tracks.empty(), Impacts.empty(), Threats.empty(), Inbound.empty(), PreAlerts.empty(), Losses.empty(),
    Warnings.empty(), Health(np.zeros(0, np.int8), 0.0, 0, 0, 0.0),
    Picture(0.0, Tracks.empty(), Impacts.empty(), Threats.empty(), Warnings.empty(), Health(np.zeros(0, np.int8), 0.0,
        0, 0, 0.0)),
    Reached.none(), Approaches.none(), Fallout.none(), Evidence.none(), _no_clearance, Airport(True, 0, 0.0),
    Assessment(0, 0, 0.0, ""), Allocation(0, 0.0, 0.0), Drill(0.0, "", (), (), (), Airport(True, 0, 0.0)),
    _nothing, _nothing.rounds, _nothing.aircraft, _nothing.engagements, _nothing.remains, _nothing.movements,
    Delivered(0.0, "", "", "", (), (), 0.0, ()), Injected(0.0, "", "", "", "", "", "", "", 0),
)
_order = Order(0, 0, 0.0, 0.0, dataclasses.replace(_no_clearance, cleared=True, reason="clear"))


def _fields(sample: Any) -> tuple[str, ...]:
    return tuple(f.name for f in dataclasses.fields(sample)) if dataclasses.is_dataclass(sample) else sample._fields


# For every noun: its type, its fields, and a sample of each field that says what may stand there.
NOUNS: dict[str, tuple[type, tuple[str, ...], tuple[Any, ...]]] = {
    type(s).__name__: (type(s), _fields(s), tuple(getattr(s, name) for name in _fields(s))) for s in (*_samples, _order)
}
# For every noun, the name that records know it by from format 5 on. Never changed: records keep it. Before, its class's
# name stood there.
WRITTEN: dict[str, str] = {
    "Frame": "frame", "Detections": "frame.detections", "Aircraft": "frame.aircraft", "Weather": "frame.weather",
    "Radars": "frame.radars",
    "Inputs": "frame.inputs", "Command": "frame.command", "Channels": "frame.channels", "Receipts": "frame.receipts",
    "Delivered": "frame.delivered", "Injected": "truth.inject",
    "Picture": "picture", "Tracks": "picture.tracks", "Impacts": "picture.impacts", "Threats": "picture.threats",
    "Inbound": "picture.inbound",
    "Warnings": "picture.warnings", "Health": "picture.health", "PreAlerts": "picture.pre_alerts",
    "Losses": "picture.losses",
    "Drill": "drill", "Clearance": "drill.clearance", "Evidence": "drill.evidence", "Reached": "drill.evidence.reached",
    "Approaches": "drill.evidence.approaches", "Fallout": "drill.evidence.fallout", "Order": "drill.order",
    "Airport": "drill.airport",
    "Assessment": "drill.assessment", "Allocation": "drill.allocation",
    "Truth": "truth", "TrueRounds": "truth.rounds", "TrueAircraft": "truth.aircraft",
    "Engagements": "truth.engagements",
    "Remains": "truth.remains", "Movements": "truth.movements",
}
READ = {name: name for name in NOUNS} | {written: name for name, written in WRITTEN.items()}
NAMES = {kind: (name, fields) for name, (kind, fields, _) in NOUNS.items()}
ITEMS: dict[tuple[str, str], type] = {
    ("Frame", "commands"): Command, ("Drill", "clearances"): Clearance, ("Drill", "orders"): Order,
    ("Drill", "awaiting"): int,
    ("Drill", "assessments"): Assessment, ("Frame", "delivered"): Delivered, ("Delivered", "texts"): str,
    ("Delivered", "facts"): str, ("Delivered", "choices"): str, ("Truth", "injects"): Injected,
}


def encode(noun: Any, form: int = FORMAT) -> bytes:
    """`noun` (a Frame, Picture, Drill, Truth or anything they hold) as bytes; the same value always
    gives the same bytes.

    form  format of the record it is for

    NumPy scalars become plain numbers of the same value. Raises TypeError for what no record has a
    place for.
    """
    return msgspec.msgpack.encode(_plain(noun, WRITTEN if form >= QUALIFIED else {}))


def decode(data: bytes, kind: type) -> Any:
    """The noun of type `kind` that `encode` turned into `data`, its arrays fresh and writable.

    Raises RecordError, saying what does not fit, for anything but such bytes; never runs anything
    they hold.
    """
    if len(data) > MOST_BYTES:
        raise RecordError(f"a {kind.__name__} of {len(data)} bytes is more than a record may hold ({MOST_BYTES})")
    try:
        value = _revive(msgspec.msgpack.decode(data), 0)
    except (msgspec.DecodeError, RecursionError, ValueError, UnicodeDecodeError, OverflowError) as error:
        raise RecordError(f"a {kind.__name__} cannot be decoded: {error}") from None
    if type(value) is not kind:
        raise RecordError(f"a {type(value).__name__} stands where a {kind.__name__} belongs")
    return value


def _plain(value: Any, written: Mapping[str, str]) -> Any:
    kind = type(value)
    if kind is np.ndarray:
        array = np.ascontiguousarray(value)
        if array.dtype.byteorder == ">" or (sys.byteorder == "big" and array.dtype.itemsize > 1
                and array.dtype.kind != "S"):
            array = array.astype(array.dtype.newbyteorder("<"))
        dtype = array.dtype.str
        if dtype not in DTYPES and not TEXT_DTYPE.fullmatch(dtype):
            raise TypeError(f"a record has no place for an array of {array.dtype}")
        return [ARRAY, dtype, list(value.shape), array.tobytes()]
    if kind in NAMES:
        name, fields = NAMES[kind]
        return [NOUN, written.get(name, name), *[_plain(getattr(value, field), written) for field in fields]]
    if kind is tuple:
        return [TUPLE, *[_plain(item, written) for item in value]]
    if value is None or kind in (bool, int, float, str, bytes):
        return value
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"a record has no place for a {kind.__name__}")


def _revive(value: Any, depth: int) -> Any:
    if not isinstance(value, list):
        if value is None or isinstance(value, bool | int | float | str | bytes):
            return value
        raise ValueError(f"{type(value).__name__} has no meaning here")
    if depth > DEEPEST or not value or isinstance(value[0], bool):
        raise ValueError("nested too deeply, or a list without its mark")
    if value[0] == TUPLE:
        return tuple(_revive(item, depth + 1) for item in value[1:])
    if value[0] == ARRAY:
        return _array(value)
    if value[0] == NOUN and len(value) > 1 and isinstance(value[1], str) and value[1] in READ:
        return _noun(READ[value[1]], [_revive(item, depth + 1) for item in value[2:]])
    raise ValueError(f"unknown mark {str(value[:2])[:60]}")


def _array(value: list[Any]) -> Any:
    if len(value) != 4:
        raise ValueError("an array without dtype, shape and bytes")
    _, dtype, shape, data = value
    if not isinstance(dtype, str) or (dtype not in DTYPES and not TEXT_DTYPE.fullmatch(dtype)):
        raise ValueError(f"an array of {str(dtype)[:20]!r}")
    if not isinstance(shape, list) or len(shape) > 4 or not all(type(n) is int and 0 <= n <= MOST_BYTES
            for n in shape) or not isinstance(data, bytes):
        raise ValueError("an array whose shape is no shape")
    made = np.dtype(dtype)
    if math.prod(shape) * made.itemsize != len(data):
        raise ValueError(f"an array of shape {shape} with {len(data)} bytes")
    if made.kind == "b" and data.strip(b"\0\1"):
        raise ValueError("a truth value that is neither true nor false")
    # a copy: compiled kernels are compiled for writable arrays, and a second compilation for read-only ones would
    # follow
    array = np.frombuffer(data, made).reshape(shape).copy()
    return array.astype(made.newbyteorder("=")) if sys.byteorder == "big" else array


def _noun(name: str, values: list[Any]) -> Any:
    kind, fields, samples = NOUNS[name]
    if len(values) < len(fields):       # a record of an earlier format has fewer columns
        values = [*values, *_unsaid(name, fields, values)]
    if len(values) != len(fields):
        raise ValueError(f"a {name} with {len(values)} fields, not {len(fields)}")
    for field, sample, value in zip(fields, samples, values, strict=True):
        if not _fits(sample, value):
            raise ValueError(f"{name}.{field} is {_describe(value)}")
        item = ITEMS.get((name, field))
        if item is not None and not all(type(each) is item for each in value):
            raise ValueError(f"{name}.{field} holds something else than {item.__name__}")
    columns = [v for v in values if isinstance(v, np.ndarray)]
    if len(columns) == len(values) and len({c.shape[0] for c in columns}) > 1:
        raise ValueError(f"the columns of {name} differ in length")
    return kind(*values)


def _unsaid(name: str, fields: tuple[str, ...], values: list[Any]) -> list[Any]:
    """The last fields of a noun that a record of the format before this one does not have; as many
    as are known.
    """
    kind = NOUNS[name][0]
    defaults = getattr(kind, "_field_defaults", {})
    missing = fields[len(values):]
    if name == "Warnings" and missing == ("stage",):
        return _stages_of(values)
    if name == "Inputs" and missing == ("causes", "steps", "drift") and isinstance(values[0],
            np.ndarray) and values[0].ndim == 1:
        n = values[0].shape[0]
        return [np.zeros((n, len(CAUSES)), np.int64), np.zeros(n, np.int64), np.full(n, np.nan)]
    return [defaults[field] for field in missing] if all(field in defaults for field in missing) else []


def _stages_of(values: list[Any]) -> list[Any]:
    """The stages of warnings as they follow from the impact that is due; as many as are known."""
    action, due = values[1], values[5]
    if not all(isinstance(column, np.ndarray) and column.ndim == 1 for column in (action, due)):
        return []
    if action.shape != due.shape:
        return []
    return [np.where(action == CLEAR, ALL_CLEAR, np.where(np.isfinite(due), TAKE_COVER, STAY)).astype(np.int8)]


def _fits(sample: Any, value: Any) -> bool:
    if isinstance(sample, np.ndarray):
        if not isinstance(value, np.ndarray) or value.ndim != sample.ndim:
            return False
        kinds = "iu" if sample.dtype.kind == "i" else sample.dtype.kind
        return value.dtype.kind in kinds and value.shape[1:] == sample.shape[1:]
    if isinstance(sample, bool):
        return isinstance(value, bool)
    if isinstance(sample, float):
        return isinstance(value, int | float) and not isinstance(value, bool)
    if isinstance(sample, int):
        return isinstance(value, int) and not isinstance(value, bool)
    return type(value) is type(sample)


def _describe(value: Any) -> str:
    return f"an array of {value.dtype}, shape {value.shape}" if isinstance(value,
        np.ndarray) else f"a {type(value).__name__}"


def unlike(recorded: bytes, now: Any, form: int) -> list[str]:
    """Where `now` differs from a noun recorded in an earlier format, in the columns that this
    format has; empty where nowhere.

    recorded  as `encode` made it then
    form      the format

    Raises RecordError where it cannot be decoded.
    """
    then = decode(recorded, type(now))
    return [] if _same_said(msgspec.msgpack.decode(recorded), _plain(now, WRITTEN if form >= QUALIFIED
        else {})) else differences(then, now)


def _same_said(recorded: Any, now: Any) -> bool:
    """Whether two values as they are written agree in all that the first one says; the second may
    say more at the end of its nouns.
    """
    if not isinstance(recorded, list) or not isinstance(now, list) or recorded[:1] == [ARRAY]:
        return bool(msgspec.msgpack.encode(recorded) == msgspec.msgpack.encode(now))
    if recorded[:1] != now[:1] or (recorded[0] == TUPLE and len(recorded) != len(now)) or len(recorded) > len(now):
        return False
    return all(_same_said(was, said) for was, said in zip(recorded, now, strict=False))


def differences(recorded: Any, now: Any, where: str = "") -> list[str]:
    """Which parts of two nouns differ in bits, as dotted column names with the first differing row
    and both values; empty where none does.

    recorded  the noun as it was recorded
    now       the same noun as worked out now
    """
    if type(recorded) is not type(now):
        return [f"{where or 'all'}: {_describe(recorded)} was recorded, now {_describe(now)}"]
    if type(recorded) in NAMES:
        _, fields = NAMES[type(recorded)]
        return [d for f in fields for d in differences(getattr(recorded, f), getattr(now, f), f"{where}.{f}" if where
            else f)]
    if isinstance(recorded, tuple):
        if len(recorded) != len(now):
            return [f"{where}: {len(recorded)} recorded, now {len(now)}"]
        return [d for i, (a, b) in enumerate(zip(recorded, now, strict=True)) for d in differences(a, b,
            f"{where}[{i}]")]
    if isinstance(recorded, np.ndarray):
        return _array_difference(recorded, now, where)
    same = msgspec.msgpack.encode(_plain(recorded, WRITTEN)) == msgspec.msgpack.encode(_plain(now, WRITTEN))
    return [] if same else [f"{where}: {recorded!r} was recorded, now {now!r}"]


def _array_difference(recorded: Any, now: Any, where: str) -> list[str]:
    if recorded.dtype != now.dtype or recorded.shape != now.shape:
        return [f"{where}: {_describe(recorded)} was recorded, now {_describe(now)}"]
    if recorded.size == 0 or recorded.tobytes() == now.tobytes():
        return []
    bits = [np.frombuffer(a.tobytes(), np.uint8).reshape(a.size, a.dtype.itemsize) for a in (recorded, now)]
    first = int(np.flatnonzero((bits[0] != bits[1]).any(axis=1))[0])
    place = ", ".join(str(int(i)) for i in np.unravel_index(first, recorded.shape))
    return [f"{where}[{place}]: {recorded.flat[first]!r} was recorded, now {now.flat[first]!r}"]
