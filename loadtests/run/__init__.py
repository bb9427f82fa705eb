"""A whole run: checks and records around its trials, and its progress."""
