"""The nouns that every room speaks in: frame, picture, drill, truth, commands. No behaviour lives
here.
"""
