"""A run for other programs: one file per format, each written as the lines that it consists of."""
