"""What the console answers to which request, a file for each subject."""
