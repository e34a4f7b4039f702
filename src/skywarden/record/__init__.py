"""One crash-safe file a run: what came in, what was believed, what was rehearsed and, in a
simulation, what was true.
"""
