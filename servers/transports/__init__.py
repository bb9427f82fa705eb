"""Each transport as a thin adapter over the event log, and all of them once more as plain ASGI."""
