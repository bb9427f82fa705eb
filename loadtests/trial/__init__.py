"""One trial: a server, a relay and the load as processes, and their records."""
