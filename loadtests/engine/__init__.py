"""Locust as the load: a single process, a master with workers, by hand and with its web UI."""
