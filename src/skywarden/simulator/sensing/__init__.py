"""How truth becomes detections, misses and clutter, as radars and receivers make them."""
