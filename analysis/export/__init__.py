"""Export of a run for other programs: a module for each kind of file, which yields its lines."""
