"""How belief moves: predict, measure, update, fit, pair. Compiled kernels and nothing else; they
may use ballistics.
"""
