"""The sockets of one load process: its driver, its deadlines, and its clients during a trial."""
