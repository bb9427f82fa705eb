"""The load side: scenarios, trials, the Locust users and the records that they write to disk."""
