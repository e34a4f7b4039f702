"""The truth, which nothing that believes may import: scenario, world, and what a radar makes of it."""
