"""The event log and those who follow it: numbered events, published on time, fanned out, traced."""
