"""A TCP relay that makes loopback as slow as a network."""
