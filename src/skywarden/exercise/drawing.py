"""The picture of one moment as a small drawing: zones, tracks, and where they are expected to fall.
It holds no truth.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from skywarden.messages.picture import CLEAR, KIND_NAMES, Picture
from skywarden.review.html import text
from skywarden.site.model import Site

WIDE, HIGH = 420.0, 300.0       # size of a drawing, in its own units
MARGIN = 0.15                   # share of the zones' extent drawn around them
NINETY = math.sqrt(4.605)       # chi-squared of 2, 90 %: deviations of an ellipse that holds nine of ten


def draw(picture: Picture, site: Site, about: str, label: str) -> str:
    """An SVG of the picture around the zones; what the decision is about is drawn bold.

    about  "zone NAME", "track N", or anything else
    site   the site as its defender declared it
    label  what the drawing is called for those who do not see it
    """
    if not site.zones:
        return ""
    corners = np.concatenate([zone.polygon for zone in site.zones])
    low, high = corners.min(axis=0), corners.max(axis=0)
    middle, span = 0.5 * (low + high), np.maximum(high - low, 200.0) * (1.0 + 2.0 * MARGIN)
    scale = float(min(WIDE / span[0], HIGH / span[1]))

    def at(east: float, north: float) -> tuple[float, float]:
        return WIDE / 2 + scale * (east - middle[0]), HIGH / 2 - scale * (north - middle[1])

    warned = set(picture.warnings.zone[picture.warnings.action != CLEAR].tolist())
    parts = []
    for k, zone in enumerate(site.zones):
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in (at(*corner) for corner in zone.polygon.tolist()))
        kind = ("w " if k in warned else "z ") + ("b" if about == f"zone {zone.name}" else "")
        parts.append(f'<polygon class="{kind.strip()}" points="{points}"><title>{text(zone.name)}</title></polygon>')
    for place, covariance in zip(picture.impacts.place, picture.impacts.covariance, strict=True):
        parts.append(_ellipse(at, place, covariance[:2, :2], scale))
    for number, state, kind_of in zip(picture.tracks.number, picture.tracks.state, picture.tracks.kind, strict=True):
        x, y = at(float(state[0]), float(state[1]))
        if 0.0 <= x <= WIDE and 0.0 <= y <= HIGH:
            likeliest = KIND_NAMES[int(np.argmax(kind_of))]
            bold = ' class="b"' if about == f"track {int(number)}" else ""
            parts.append(
                f'<g{bold}><circle cx="{x:.1f}" cy="{y:.1f}" r="3"/>'
                f'<text x="{x + 5:.1f}" y="{y - 4:.1f}">{int(number)}</text>'
                f"<title>{int(number)}: {likeliest} {float(np.max(kind_of)):.2f}</title></g>")
    return (
        f'<svg class="picture" viewBox="0 0 {WIDE:.0f} {HIGH:.0f}" role="img" direction="ltr"'
        f' aria-label="{text(label)}">'
        f"{''.join(part for part in parts if part)}</svg>")


def _ellipse(at: Callable[[float, float], tuple[float, float]], place: np.ndarray, covariance: np.ndarray,
    scale: float) -> str:
    """Where a round comes down nine times of ten."""
    if not (np.isfinite(place[:2]).all() and np.isfinite(covariance).all()):
        return ""
    values, vectors = np.linalg.eigh(covariance)
    minor, major = np.sqrt(np.maximum(values, 0.0)) * NINETY * scale
    x, y = at(float(place[0]), float(place[1]))
    turn = -math.degrees(math.atan2(vectors[1, 1], vectors[0, 1]))
    return (
        f'<ellipse cx="{x:.1f}" cy="{y:.1f}" rx="{max(float(major), 2.0):.1f}" ry="{max(float(minor), 2.0):.1f}" '
        f'transform="rotate({turn:.1f} {x:.1f} {y:.1f})"/>')


STYLE_OF_PICTURES = """
svg.picture{max-width:420px;margin:.3rem 0;background:var(--back);border:1px solid var(--line);
border-radius:6px}
.picture polygon{fill:none;stroke:var(--faint)}.picture polygon.w{fill:#d55e0055;stroke:#d55e00}
.picture polygon.b{stroke-width:3}
.picture ellipse{fill:none;stroke:#d55e00;stroke-dasharray:4 3}
.picture circle{fill:#0072b2}.picture text{font-size:9px;fill:var(--ink)}
.picture g.b circle{r:5}.picture g.b text{font-weight:700}
"""
