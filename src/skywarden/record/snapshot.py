"""A whole state as bytes and back, bit for bit: what is remembered between frames can be kept, and
a run go on from there.

A state is made of NamedTuples, frozen dataclasses, arrays, tuples, dictionaries, sets and plain
values. Only the classes that whoever thaws it names are made again; nothing that the bytes hold is
ever executed.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any

import msgspec
import numpy as np

from skywarden.errors import RecordError

PLAIN, NAMED, ARRAY, TUPLE, LIST, PAIRS, SET, FROZEN, SCALAR = range(9)
DEEPEST = 24    # nesting of a state; ours have 7


def kinds_of(modules: Iterable[ModuleType]) -> dict[str, type]:
    """The classes of some modules that a state may hold, by module and name: NamedTuples and
    dataclasses.
    """
    found = {}
    for module in modules:
        for kind in vars(module).values():
            if isinstance(kind, type) and (hasattr(kind, "_fields") or dataclasses.is_dataclass(kind)):
                found[f"{kind.__module__}.{kind.__qualname__}"] = kind
    return found


def freeze(state: Any) -> bytes:
    """A state as bytes; equal states of the same arrays give equal bytes. Raises TypeError for what
    a state may not hold.
    """
    return msgspec.msgpack.encode(_frozen(state, 0))


def thaw(data: bytes, kinds: Mapping[str, type]) -> Any:
    """The state that `freeze` turned into `data`, its arrays fresh and writable.

    data   from `freeze`
    kinds  classes that may be made, as `kinds_of` names them

    Raises RecordError where the bytes are damaged or name another class.
    """
    try:
        return _thawed(msgspec.msgpack.decode(data), kinds, 0)
    except (msgspec.DecodeError, ValueError, TypeError, IndexError, KeyError, RecursionError) as error:
        raise RecordError(f"a snapshot cannot be read: {error}. It was made by another version, or is "
            "damaged") from None


def _frozen(value: Any, depth: int) -> list[Any]:
    if depth > DEEPEST:
        raise TypeError("a state is nested too deeply to be kept")
    kind = type(value)
    if value is None or kind in (bool, int, float, str, bytes):
        return [PLAIN, value]
    if kind is np.ndarray:
        if value.dtype.hasobject:
            raise TypeError("an array of objects has no place in a state")
        return [ARRAY, value.dtype.str, list(value.shape), np.ascontiguousarray(value).tobytes()]
    if isinstance(value, np.generic):
        return [SCALAR, value.dtype.str, value.tobytes()]
    name = f"{kind.__module__}.{kind.__qualname__}"
    if hasattr(kind, "_fields"):
        return [NAMED, name, *[_frozen(item, depth + 1) for item in value]]
    if dataclasses.is_dataclass(kind):
        return [NAMED, name, *[_frozen(getattr(value, field.name), depth + 1) for field in dataclasses.fields(kind)]]
    for mark, whole in ((TUPLE, tuple), (LIST, list)):
        if kind is whole:
            return [mark, *[_frozen(item, depth + 1) for item in value]]
    if kind is dict:
        return [PAIRS, *[[_frozen(key, depth + 1), _frozen(item, depth + 1)] for key, item in value.items()]]
    for mark, group in ((SET, set), (FROZEN, frozenset)):
        if kind is group:
            return [mark, *sorted((_frozen(item, depth + 1) for item in value), key=msgspec.msgpack.encode)]
    raise TypeError(f"a {name} has no place in a state that can be kept")


def _thawed(value: Any, kinds: Mapping[str, type], depth: int) -> Any:
    if depth > DEEPEST or not isinstance(value, list) or not value:
        raise ValueError("nested too deeply, or a value without its mark")
    mark, *rest = value
    if mark == PLAIN:
        return rest[0]
    if mark == ARRAY:
        dtype, shape, data = rest
        return np.frombuffer(data, np.dtype(dtype)).reshape(shape).copy()
    if mark == SCALAR:
        return np.frombuffer(rest[1], np.dtype(rest[0]))[0]
    if mark == NAMED:
        name, *fields = rest
        if name not in kinds:
            raise ValueError(f"{str(name)[:80]} is no class of this state")
        return kinds[name](*[_thawed(field, kinds, depth + 1) for field in fields])
    if mark == PAIRS:
        return {_thawed(key, kinds, depth + 1): _thawed(item, kinds, depth + 1) for key, item in rest}
    groups: dict[int, Any] = {TUPLE: tuple, LIST: list, SET: set, FROZEN: frozenset}
    return groups[mark]([_thawed(item, kinds, depth + 1) for item in rest])
