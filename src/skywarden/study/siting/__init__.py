"""Where sirens and radars should stand: covering to a proven optimum of the coverage model, then
flown. No map of gaps, no way in, is made here.
"""
