"""How each radar is wrong: constant errors of range, azimuth, elevation and time, learnt from
aircraft, fixed echoes and common targets.
"""
