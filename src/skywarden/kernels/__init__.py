"""Compiled arithmetic only: estimation may use ballistics, and ballistics geometry."""
