"""Many seeds and designs through runs without anybody to look: engines, results, statistics,
siting. Nothing here ranks places to fire from.
"""
