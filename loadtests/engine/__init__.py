"""Locust as the load's processes: a single one, a master with workers, by hand and with its web UI."""
