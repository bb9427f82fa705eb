"""Servers that misbehave on purpose, by faults for chosen events and clients."""
