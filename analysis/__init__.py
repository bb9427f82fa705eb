"""The analysis of a run's records: statistics, models, validity, charts and reports."""
