"""What explains: statistics, models, validity, charts and reports from the records of a run."""
