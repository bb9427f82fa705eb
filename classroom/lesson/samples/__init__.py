"""The programs of the lesson and of the lanes, each shown and run exactly as in its file."""
