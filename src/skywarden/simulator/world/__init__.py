"""What is really out there, hidden from the defence: the air, rounds, traffic, and how simulated
interceptions end.
"""
