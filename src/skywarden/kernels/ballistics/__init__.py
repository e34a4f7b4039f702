"""How a round flies: drag, air, gravity, fall. Compiled kernels and the checks in front of them. It
knows no radar, no site and no launcher.
"""
