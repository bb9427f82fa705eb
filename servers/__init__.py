"""The servers that are measured: one event log, delivered over every transport by thin adapters."""
