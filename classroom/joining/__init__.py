"""A class of devices: who may join, what they report, and what of it is believed."""
