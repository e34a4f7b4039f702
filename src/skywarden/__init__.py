"""Skywarden: an open C-RAM system in software: sense, predict, warn; interception only ever rehearsed in simulation."""

from skywarden import kernels

__version__ = "0.1.0"

kernels.keep_compiled()
