"""Servers that misbehave on purpose: which client is sent what, and when."""
