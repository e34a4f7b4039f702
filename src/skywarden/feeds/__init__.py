"""Ways to get frames: simulated, ASTERIX, ADS-B, tables, replay, and several of them merged in time order."""

from skywarden.feeds.opening import open_source

__all__ = ["open_source"]
