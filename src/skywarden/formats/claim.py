"""What one message of any format says of one aircraft."""

from __future__ import annotations

import math
from typing import NamedTuple


class Claim(NamedTuple):
    """What one message says of one aircraft. Angles in radians, everything else SI; nan where it
    says nothing.
    """

    t: float
    address: int
    source: int
    callsign: str = ""
    latitude: float = math.nan
    longitude: float = math.nan
    # east, north of the site's origin, from a sender that knows no latitude
    plane: tuple[float, float] = (math.nan, math.nan)
    altitude: float = math.nan              # above mean sea level
    pressure_altitude: float = math.nan
    speed: float = math.nan                 # over ground
    heading: float = math.nan               # of the track over ground, clockwise from true north where the aircraft is
    climb: float = math.nan
    nic: int = -1
    nacp: int = -1
    on_ground: bool = False


def callsign(text: str) -> bytes:
    """Up to eight letters and digits, as they fit into `Aircraft.callsign`; blank where there is
    none.

    text  the call sign as it was sent
    """
    kept = text.strip().upper()
    return kept[:8].encode("ascii") if kept.isascii() and kept.replace(" ", "").replace("-", "").isalnum() else b""
