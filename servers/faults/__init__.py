"""Servers that misbehave on purpose: which client is told what, and when."""
