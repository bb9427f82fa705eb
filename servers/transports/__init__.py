"""The transports: each is a thin adapter over the event log; plain_asgi offers all of them without FastAPI."""
