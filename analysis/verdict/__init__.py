"""The verdict of a run: the differences that may be claimed, and their wording."""
