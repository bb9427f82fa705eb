"""The lesson's two programs, each shown and run exactly as in its file."""
