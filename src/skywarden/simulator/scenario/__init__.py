"""What is true and hidden from the defence: who fires what and when, the weather, the traffic, the
faults and the seed.
"""
