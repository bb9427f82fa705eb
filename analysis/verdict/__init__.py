"""A run in one sentence: which differences may be claimed, and in which words."""
