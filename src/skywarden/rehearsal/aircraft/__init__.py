"""What aircraft may be where: reports, confirmation, memory and the air they can reach."""
