"""Groups of verbs of the command line, a file each; what they do is imported when one is called."""
