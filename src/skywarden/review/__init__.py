"""After the action: what happened, measured and drawn from what a run gave out, live or recorded."""
