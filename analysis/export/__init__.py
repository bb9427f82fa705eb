"""Export of a run for other programs: a module per format, which yields the lines of its file."""
