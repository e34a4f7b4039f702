"""Two watchers of one site that both speak: the frames of the first are the second's, and either
goes on alone.
"""
