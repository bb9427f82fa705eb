"""Comparison of runs with a baseline: differences of their settings, and an outcome for every figure."""
