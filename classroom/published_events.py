"""An event log that records the times and the size of every event of the run."""

from __future__ import annotations

from servers.events.log import EncodedEvent, EventLog

PublishedRow = tuple[int, int, int, int]
"""seq, due_ns, published_ns, event_bytes (the size of the JSON text, which is the same for every transport)."""


class RecordingLog(EventLog):
    """An event log that also keeps a row for every event of its stream, even after the event has left the history."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[PublishedRow] = []

    def _keep(self, due_ns: int, published_ns: int, payload: str) -> EncodedEvent:
        event = super()._keep(due_ns, published_ns, payload)
        self.rows.append((event.seq, due_ns, published_ns, len(event.text)))
        return event

    def reset(self) -> None:
        """Empty the log for a new stream."""
        super().reset()
        self.rows = []
