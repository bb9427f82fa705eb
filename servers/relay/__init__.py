"""A TCP relay that gives loopback the delay of a network."""
