"""Servers that misbehave on purpose: what they send to which client, and when."""
