"""The weather as a file or a service gives it: the names and units of [weather] in site.toml, as
TOML or JSON.
"""

from __future__ import annotations

import json
import math
import tomllib
from itertools import pairwise
from typing import Any

import numpy as np

from skywarden.formats.numbers import finite
from skywarden.messages.frame import Weather

LARGEST = 1 << 20  # bytes of a document
MOST_LEVELS = 1_000  # heights of a wind profile
STRONGEST = 120.0  # metres a second, of a wind component
SINGLE = {  # lowest, highest and what is taken where it is not given
    "wind_sigma_mps": (0.0, 50.0, 2.0),
    "temperature_offset_k": (-80.0, 80.0, 0.0),
    "pressure_ratio": (0.5, 1.5, 1.0),
}


def weather_from(data: bytes) -> Weather:
    """The weather in a document. Raises ValueError with a sentence that says what is wrong in it.

    data  the document's bytes
    """
    if len(data) > LARGEST:
        raise ValueError(f"it has {len(data)} bytes, more than {LARGEST}")
    told = _document(data)
    told = told["weather"] if isinstance(told.get("weather"), dict) else told
    up, east, north = (_row(told, name) for name in ("wind_up_m", "wind_east_mps", "wind_north_mps"))
    if not up or not len(up) == len(east) == len(north):
        raise ValueError("wind_up_m, wind_east_mps and wind_north_mps must be lists of the same length")
    if any(b <= a for a, b in pairwise(up)) or not -1000.0 <= up[0] <= up[-1] <= 40_000.0:
        raise ValueError("wind_up_m must rise, from -1000 to 40000 m")
    if any(abs(x) > STRONGEST for x in (*east, *north)):
        raise ValueError(f"a wind component is stronger than {STRONGEST:.0f} m/s")
    values = []
    for name, (low, high, otherwise) in SINGLE.items():
        value = finite(told.get(name, otherwise))
        if not low <= value <= high:
            raise ValueError(f"{name} is not a number from {low:g} to {high:g}")
        values.append(value)
    return Weather(np.array(up), np.column_stack([east, north]).astype(np.float64), *values)


def _document(data: bytes) -> dict[str, Any]:
    try:
        text = data.decode("utf-8-sig")
        told = (
            json.loads(text)
            if text.lstrip().startswith(("{", "[")) and not text.lstrip().startswith("[weather")
            else tomllib.loads(text)
        )
    except (ValueError, RecursionError) as error:
        raise ValueError(f"it is neither JSON nor TOML: {str(error)[:100]}") from None
    if not isinstance(told, dict):
        raise ValueError("it is no table of names and values")
    return told


def _row(told: dict[str, Any], name: str) -> list[float]:
    values = told.get(name)
    if not isinstance(values, list) or len(values) > MOST_LEVELS:
        raise ValueError(f"{name} is not a list of at most {MOST_LEVELS} numbers")
    numbers = [finite(value) for value in values]
    if any(math.isnan(x) for x in numbers):
        raise ValueError(f"{name} holds something that is no finite number")
    return numbers
