"""The record of the stream: every event of the run with its times and its size."""

from __future__ import annotations

from servers.events.log import EncodedEvent, EventLog

PublishedRow = tuple[int, int, int, int]
"""seq, due_ns, published_ns, event_bytes (of the JSON text that every transport carries)."""


class AccountedLog(EventLog):
    """An event log that also keeps the row of every event of its stream, however old."""

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
