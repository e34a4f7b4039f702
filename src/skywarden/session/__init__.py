"""Who is wired to whom: one file a use."""
