"""Airports of the open list that ships with Skywarden: place, elevation and runways, by ICAO code.
Not for navigation.
"""

from __future__ import annotations

import csv
import difflib
from functools import lru_cache
from importlib import resources
from typing import NamedTuple

from skywarden.errors import UsageError


class Runway(NamedTuple):
    """A strip between two ends."""

    name: str  # designators of both ends, as in 11/29
    first: tuple[float, float]  # latitude, longitude [deg]
    second: tuple[float, float]
    width: float  # [m]


class Airport(NamedTuple):
    """One airport of the list."""

    icao: str
    iata: str
    country: str  # two letters, ISO 3166
    name: str
    latitude: float  # reference point [deg]
    longitude: float  # [deg]
    elevation: float  # above mean sea level [m]
    runways: tuple[Runway, ...]


@lru_cache(maxsize=1)
def airports() -> dict[str, Airport]:
    """Every airport of the list, by its ICAO code. Source and date stand at the head of
    `airports.csv`.
    """
    text = (resources.files("skywarden.site") / "airports.csv").read_text("utf-8")
    rows = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    return {row["icao"]: _airport(row) for row in rows}


def find_airport(asked: str) -> Airport:
    """The airport of an ICAO or IATA code, or of a name that is only one's. Raises UsageError
    naming those that may be meant.

    asked  code or name of the airport
    """
    known, wanted = airports(), asked.strip()
    if wanted.upper() in known:
        return known[wanted.upper()]
    code = [airport for airport in known.values() if wanted and airport.iata == wanted.upper()]
    named = code or [
        airport for airport in known.values() if len(wanted) > 3 and wanted.casefold() in airport.name.casefold()
    ]
    if len(named) == 1:
        return named[0]
    if not named:
        near = difflib.get_close_matches(wanted.upper(), known, 3) if len(wanted) <= 4 else []
        names = {airport.name.casefold(): airport for airport in known.values()}
        named = [known[code] for code in near] + [
            names[name] for name in difflib.get_close_matches(wanted.casefold(), names, 3)
        ]
    meant = "; ".join(f"{airport.icao} {airport.name}" for airport in named[:5])
    more = f" Did you mean {meant}?" if meant else " Give the four letters of its ICAO code, such as OAKB."
    raise UsageError(f'no airport "{asked[:60]}" among the {len(known):,} of the list.{more}')


def _airport(row: dict[str, str]) -> Airport:
    runways = []
    for strip in row["runways"].split(";"):
        name, *numbers = strip.split(" ")
        a, b, c, d, width = map(float, numbers)
        runways.append(Runway(name, (a, b), (c, d), width))
    return Airport(
        row["icao"],
        row["iata"],
        row["country"],
        row["name"],
        float(row["latitude_deg"]),
        float(row["longitude_deg"]),
        float(row["elevation_m"]),
        tuple(runways),
    )
