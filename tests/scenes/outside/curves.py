"""Drag curves of the judged rounds: the two published standards, and a stated random family of
other shapes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

STEP = 0.02                                     # of Mach between the kept points of a curve
MACH = np.arange(0.0, 6.0 + STEP / 2, STEP)     # Mach numbers of every curve
# Mach between which curves are made equal in mean, so that coefficients mean alike
MEAN_FROM, MEAN_TO = 0.5, 1.5
CIRCLE = 0.25 * np.pi                           # area of a circle over its diameter squared

# Standard drag coefficients at selected Mach numbers, after the public-domain tables of the US Ballistic Research
# Laboratory (JBM's sampling)
G1 = ((0.0, 0.2629), (0.2, 0.2344), (0.4, 0.2104), (0.5, 0.2032), (0.6, 0.2034), (0.7, 0.2165), (0.75, 0.2313),
    (0.8, 0.2546), (0.85, 0.2901),
      (0.9, 0.3415), (0.95, 0.4084), (1.0, 0.4805), (1.05, 0.5427), (1.1, 0.5883), (1.2, 0.6393), (1.3, 0.6589),
          (1.4, 0.6625), (1.6, 0.6474),
      (1.8, 0.621), (2.0, 0.5934), (2.2, 0.5685), (2.5, 0.5397), (3.0, 0.5133), (3.5, 0.504), (4.0, 0.5006),
          (5.0, 0.4988))
G7 = ((0.0, 0.1198), (0.3, 0.1194), (0.6, 0.1194), (0.7, 0.1202), (0.75, 0.1215), (0.8, 0.1242), (0.85, 0.1306),
    (0.875, 0.1368), (0.9, 0.1464),
      (0.925, 0.166), (0.95, 0.2054), (0.975, 0.2993), (1.0, 0.3803), (1.025, 0.4015), (1.05, 0.4043), (1.1, 0.4014),
          (1.2, 0.3884), (1.3, 0.3732),
      (1.4, 0.358), (1.6, 0.3315), (1.8, 0.3117), (2.0, 0.298), (2.5, 0.2697), (3.0, 0.2424), (3.5, 0.2154),
          (4.0, 0.1935), (5.0, 0.1618))


class Family(NamedTuple):
    """Bounds between which the shape of a curve is drawn, each uniformly."""

    level: tuple[float, float]      # subsonic drag over the peak
    slope: tuple[float, float]      # relative fall of the subsonic drag per Mach
    place: tuple[float, float]      # Mach of the middle of the transonic rise
    width: tuple[float, float]      # of the rise, in Mach (of the logistic curve)
    decay: tuple[float, float]      # exponent of the supersonic fall with Mach


ORDINARY = Family((0.25, 0.50), (-0.05, 0.25), (0.90, 1.02), (0.02, 0.07), (0.20, 0.70))
WILD = Family((0.15, 0.80), (-0.20, 0.40), (0.85, 1.10), (0.015, 0.12), (0.00, 1.00))
FAMILIES = {"ordinary": ORDINARY, "wild": WILD}


def standard(name: str) -> np.ndarray:
    """The drag coefficient of G1 or G7 at MACH."""
    mach, value = np.array(G1 if name == "G1" else G7).T
    return np.interp(MACH, mach, value)


def drawn(family: Family, like: str, draw: np.random.Generator) -> np.ndarray:
    """A curve of the family at MACH, as large in the mean between MEAN_FROM and MEAN_TO as the
    standard `like`.
    """
    level, slope, place, width, decay = (draw.uniform(*bounds) for bounds in family)
    return scaled(shape(level, slope, place, width, decay), like)


def shape(level: float, slope: float, place: float, width: float, decay: float) -> np.ndarray:
    """A level subsonic stretch, a logistic rise and a power-law fall, of peak about 1."""
    rise = 1.0 / (1.0 + np.exp(-np.clip((MACH - place) / width, -60.0, 60.0)))
    crest = place + 3.0 * width
    return level * (1.0 - slope * (MACH - 0.5)) * (1.0 - rise) + np.maximum(MACH / crest, 1.0) ** -decay * rise


def scaled(curve: np.ndarray, like: str) -> np.ndarray:
    """The curve, made as large in the mean as the standard `like`."""
    middle = (MACH >= MEAN_FROM) & (MACH <= MEAN_TO)
    return curve * (standard(like)[middle].mean() / curve[middle].mean())
