"""Runs beside a baseline: what makes them unlike, and what of their figures differs, is the same, or is not known."""
