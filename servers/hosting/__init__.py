"""A server as a process or several: its options, its parts put together, uvicorn, its ports."""
