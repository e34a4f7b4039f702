"""Where the runways of a site begin and which way they lead."""

from __future__ import annotations

from functools import lru_cache

from skywarden.kernels.geometry.polygon import long_axis
from skywarden.messages.tables import Array
from skywarden.site.model import Site


@lru_cache(maxsize=8)
def runway_ends(site: Site) -> tuple[tuple[Array, Array, float], ...]:
    """Of each end of each runway: its threshold (2,), the direction of landing there (2,) and the
    runway's length [m].

    site  the site as its defender declared it
    """
    ends = []
    for zone in site.zones:
        if zone.kind == "runway":
            middle, axis, half = long_axis(zone.polygon)
            ends += [(middle - way * half, way, 2.0 * half) for way in (axis, -axis)]
    return tuple(ends)
