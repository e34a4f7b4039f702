"""All chance of a run, from one seed, handed out by name, so that changing one thing leaves the
luck of everything else as it was.

Two kinds: a numpy generator for a name and an index, and numbers keyed by (name, index, object),
which an object finds again whoever else flies, is stopped or is looked at beside it. That is what
makes paired comparisons possible.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.special import ndtri

Array = NDArray[Any]


class Chance:
    """One run's chance. The same seed and name give the same numbers on every machine.

    redrawn   names, or "name:index", whose numbers are drawn anew, each with the number of its
              draw: all others stay as they are
    """

    def __init__(self, seed: int, redrawn: Mapping[str, int] | None = None) -> None:
        self._seed, self._redrawn = seed, dict(redrawn or {})
        self._known: dict[str, Array] = {}
        self._indexed = {name.rpartition(":")[0] for name in self._redrawn if ":" in name}

    @property
    def names(self) -> tuple[str, ...]:
        """Names that have been asked for."""
        return tuple(self._known)

    def _words(self, name: str) -> Array:
        """Two 64-bit words of the seed sequence spawned for `name`; the spawn key is a stable hash
        of the name.
        """
        if name not in self._known:
            self._known[name] = self._drawn(name, self._redrawn.get(name))
        return self._known[name]

    def _drawn(self, name: str, again: int | None) -> Array:
        key = np.frombuffer(hashlib.sha256(name.encode()).digest()[:16], "<u4")
        more = () if again is None else (again >> 32 & 0xFFFFFFFF, again & 0xFFFFFFFF)
        words = (*(int(k) for k in key), *more)
        return np.random.SeedSequence(self._seed, spawn_key=words).generate_state(2, np.uint64)

    def _of(self, name: str, index: int) -> Array:
        """The words for one index of a name: its own where that index is drawn anew."""
        one = f"{name}:{index}"
        return self._drawn(name, self._redrawn[one]) if one in self._redrawn else self._words(name)

    def stream(self, name: str, index: int = 0) -> np.random.Generator:
        """A generator for one name and index (of a frame, a look, a round), independent of all
        others.
        """
        word = (self._of(name, index) if name in self._indexed else self._words(name))[0]
        return np.random.Generator(np.random.Philox(key=np.array([word, index], np.uint64)))

    def keyed(self, name: str) -> Keyed:
        """Numbers found by (index, object) under one name."""
        again = [int(one.rpartition(":")[2]) for one in self._redrawn if one.rpartition(":")[0] == name]
        return Keyed(self._words(name), {index: self._of(name, index) for index in again})


class Keyed:
    """Uniform or normal numbers, a function of name, index and object alone."""

    def __init__(self, words: Array, again: Mapping[int, Array] | None = None) -> None:
        self._low, self._high, self._again = np.uint64(words[0]), np.uint64(words[1]), dict(again or {})

    def uniform(self, index: int, objects: Array, slots: int) -> Array:
        """(n, slots) in (0, 1) for objects (n,) int64 at one index."""
        low, high = self._low, self._high
        if index in self._again:
            low, high = (np.uint64(word) for word in self._again[index])
        return _uniforms(low, high, np.uint64(index), np.ascontiguousarray(objects).astype(np.uint64), slots)

    def normal(self, index: int, objects: Array, slots: int) -> Array:
        """(n, slots) standard normal.

        index    index of the frame or look
        objects  (n,) key of each object
        """
        return np.asarray(ndtri(self.uniform(index, objects, slots)))


@njit(cache=True, error_model="numpy")
def _mix(z: Any) -> Any:
    """The finaliser of SplitMix64. Source: Steele, Lea and Flood, OOPSLA 2014 (fig. 14, variant 13
    of Stafford).
    """
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@njit(cache=True, error_model="numpy")
def _uniforms(low: Any, high: Any, index: Any, objects: Array, slots: int) -> Array:
    golden = np.uint64(0x9E3779B97F4A7C15)
    out = np.empty((objects.shape[0], slots))
    first = _mix(low + golden * (index + np.uint64(1)))
    for i in range(objects.shape[0]):
        second = _mix(first ^ _mix(high + golden * (objects[i] + np.uint64(1))))
        for j in range(slots):
            word = _mix(second + golden * np.uint64(j + 1))
            # 2^-53; the half keeps 0 and 1 out
            out[i, j] = ((word >> np.uint64(11)) + 0.5) * (1.0 / 9007199254740992.0)
    return out
