"""What we believe and whom we warn. Pure functions: no clock, no chance, no files, and no knowledge
of any simulated truth.
"""
