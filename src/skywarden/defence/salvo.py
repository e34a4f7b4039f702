"""Rounds of one salvo share their wind and drag error: the probability that at least one of them
endangers a zone says so.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import ndtr, ndtri

from skywarden.messages.tables import Array

# of the shared error, standard normal; exact to polynomials of degree 17
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(9)
WEIGHTS = WEIGHTS / math.sqrt(2.0 * math.pi)
SUREST = 1e-12  # distance of a probability from 0 and 1 below which it counts as so far


def at_least_one(probability: Array, zone: Array, zones: int, shared: float) -> Array:
    """Probability (zones,) that at least one of the rounds endangers each zone.

    probability  (n,) of each round and zone by itself
    zone         (n,) int64, its zone
    shared       correlation of the errors of two rounds of one salvo, 0 … below 1; 0: independent

    A one-factor normal copula: given the shared error the rounds are independent, and it is
    integrated over by Gauss-Hermite. Grows with every probability; never below the greatest of
    them, never above what independent rounds give. Source: docs/models/warning.md
    """
    apart, most = np.ones(zones), np.zeros(zones)
    np.multiply.at(apart, zone, 1.0 - probability)
    np.maximum.at(most, zone, probability)
    independent = 1.0 - apart
    if shared <= 0.0 or probability.shape[0] == 0:
        return independent
    x = ndtri(np.clip(probability, SUREST, 1.0 - SUREST))
    given = ndtr((x[:, None] - math.sqrt(shared) * NODES) / math.sqrt(1.0 - shared))
    missed = np.zeros((zones, NODES.shape[0]))
    np.add.at(missed, zone, np.log1p(-np.minimum(given, 1.0 - 1e-16)))
    joint = 1.0 - np.exp(missed) @ WEIGHTS
    return np.asarray(np.minimum(np.maximum(joint, most), independent))
