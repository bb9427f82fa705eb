"""The page of all runs: results/index.html."""
