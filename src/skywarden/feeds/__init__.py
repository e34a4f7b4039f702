"""Ways to get frames: simulated, ASTERIX, ADS-B, tables, replay, and several of them merged in time
order.
"""
