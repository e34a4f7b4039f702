"""Our simulated world shown to other systems: ASTERIX, BaseStation, DIS. Wired in simulations
only; nothing of it reaches a live run.
"""
