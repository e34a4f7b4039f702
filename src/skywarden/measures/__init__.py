"""What a run was worth, from its moments."""
