"""From the measures of trials to the points of a summary, and to their comparison."""
