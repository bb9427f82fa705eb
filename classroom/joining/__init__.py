"""A class of devices: admission, reports, and their validation."""
