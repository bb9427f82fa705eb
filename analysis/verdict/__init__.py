"""The verdict of a run: which differences may be claimed, and in which words."""
