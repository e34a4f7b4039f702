"""What the defender knows and decided: the place, its zones, radars, effectors, air model and
policy. Read once, checked once, then frozen.
"""
