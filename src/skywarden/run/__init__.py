"""The loop: take a frame, believe, rehearse if this is a simulation, hand round what there is.
Knows shapes, not parts.
"""
