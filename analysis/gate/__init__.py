"""Budgets for a run's figures: each is kept, broken or undecided, by the figure's interval and not by its estimate."""
