"""Geometry of the site: earth to site frame, ground height, inside, distance, crossing. Compiled
kernels and the checks in front of them.
"""
