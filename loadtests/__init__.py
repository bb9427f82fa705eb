"""What measures: scenarios, trials, the Locust users and the records they leave on disk."""
