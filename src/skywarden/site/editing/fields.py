"""What can be declared of a radar or an effector: asked of the loader itself, so that a form never
knows other keys than the file does.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from skywarden.files.toml import REQUIRED, Document, Table
from skywarden.kernels.geometry.ground import flat
from skywarden.site.load import effector_of, radar_of
from skywarden.site.model import Origin

# two ways to say one thing; a form has its own part for it
PLACE = ("east_m", "north_m", "latitude_deg", "longitude_deg")
KINDS = ("radars", "effectors")


class Field(NamedTuple):
    """One key of a table, as it is written in the file."""

    key: str
    kind: str           # number | integer | text | choice | flag | numbers
    needed: bool
    default: float | str | bool | None      # None: none, or it depends on the kind
    low: float | None
    high: float | None
    choices: tuple[str, ...]


@lru_cache(maxsize=4)
def fields(kind: str) -> tuple[Field, ...]:
    """The keys of one of [[radars]] or [[effectors]], in the order the loader asks for them, the
    place left out.

    kind  "radars" or "effectors"
    """
    asked = [_asked(kind, "")]
    asked += [_asked(kind, choice) for choice in asked[0]["kind"].choices[1:]]
    same = {key: len({other[key].default for other in asked if key in other}) == 1 for key in asked[0]}
    return tuple(field if same[key] else field._replace(default=None) for key, field in asked[0].items()
        if key not in PLACE)


def _asked(kind: str, of: str) -> dict[str, Field]:
    """What the loader asks of a table that says it is `of` this kind, or says nothing."""
    table = _Asked({"kind": of} if of else {})
    (radar_of if kind == "radars" else effector_of)(table, Origin(0.0, 0.0, 0.0), flat())
    return table.found


class _Asked(Table):
    """A table that notes what it is asked for."""

    def __init__(self, data: dict[str, str]) -> None:
        super().__init__(Document("", b"# empty", []), data, ())
        self.found: dict[str, Field] = {}

    def has(self, key: str) -> bool:
        return key not in PLACE         # so that what is asked only where it is written is asked as well

    def number(
        self, key: str, default: Any = REQUIRED, low: float = -math.inf, high: float = math.inf, scale: float = 1.0
    ) -> float:
        written = None if default is REQUIRED or not math.isfinite(default) else round(default / scale, 9)
        self.found[key] = Field(key, "number", default is REQUIRED, written, _limit(low), _limit(high), ())
        return super().number(key, 1.0 if default is REQUIRED else default, low, high, scale)

    def integer(self, key: str, default: Any = REQUIRED, low: int = -(2**62), high: int = 2**62) -> int:
        self.found[key] = Field(key, "integer", default is REQUIRED, None if default is REQUIRED else default, low,
            high, ())
        return super().integer(key, default, low, high)

    def text(self, key: str, default: Any = REQUIRED, choices: Sequence[str] = ()) -> str:
        kind = "choice" if choices else "text"
        self.found[key] = Field(key, kind, default is REQUIRED, None if default is REQUIRED else default, None, None,
            tuple(choices))
        return super().text(key, default, choices)

    def flag(self, key: str, default: bool) -> bool:
        self.found[key] = Field(key, "flag", False, default, None, None, ())
        return super().flag(key, default)

    def numbers(
        self, key: str, default: Any = REQUIRED, length: int | None = None, low: float = -math.inf,
        high: float = math.inf
    ) -> list[float]:
        self.found[key] = Field(key, "numbers", default is REQUIRED, None, _limit(low), _limit(high), ())
        return super().numbers(key, default, length, low, high)


def _limit(value: float) -> float | None:
    return value if math.isfinite(value) else None
