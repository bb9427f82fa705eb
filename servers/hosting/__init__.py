"""A server as one process or several: its options, its assembly, uvicorn and its ports."""
