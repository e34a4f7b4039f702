"""Who may do what at the console: users, log-in, the audit file."""
