"""What may be held against a record: other pictures, broken rules."""
