"""The lesson's two programs, each shown and run as it stands in its file."""
