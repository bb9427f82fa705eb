"""The sockets of one load process: its driver, its deadlines, its clients through a trial."""
