"""Our tracker inside other programs."""
