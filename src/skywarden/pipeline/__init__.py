"""`watch` and `rehearse` with their state held between frames, and their kernels compiled ahead."""
