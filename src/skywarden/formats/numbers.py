"""Numbers out of a JSON or TOML document of somebody else's."""

from __future__ import annotations

import math
from typing import Any


def finite(value: Any) -> float:
    """`value` where it is a finite number; nan for anything else a document may hold."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return math.nan
    try:
        return float(value) if math.isfinite(value) else math.nan
    except OverflowError:
        return math.nan
