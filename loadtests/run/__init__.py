"""A whole run: what is checked and noted around its trials, and its progress."""
