"""The server's own record of the current run, with which devices' reports are compared."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field

from classroom.lanes.accounts import Accounts
from classroom.lanes.definitions import TRANSPORTS
from classroom.published_events import AccountedLog

_NEVER_NS = -1
"""CLOCK_MONOTONIC never reads this."""


@dataclass(slots=True)
class _Written:
    """When each event was first written to one client on one lane, for the part of its account that has been read."""

    read_rows: int = 0
    at_ns: array[int] = field(default_factory=lambda: array("q"))
    """Times by seq - 1; _NEVER_NS for events not written."""
    events: int = 0
    first_seq: int = 0

    def take(self, seq: int, written_ns: int) -> None:
        if seq > len(self.at_ns):
            self.at_ns.extend([_NEVER_NS] * (seq - len(self.at_ns)))
        if self.at_ns[seq - 1] == _NEVER_NS:
            self.at_ns[seq - 1] = written_ns
            self.events += 1
            self.first_seq = min(self.first_seq or seq, seq)


class RunEvidence:
    """The record of one run; a new run needs a new one."""

    def __init__(self, log: AccountedLog, accounts: Accounts) -> None:
        self._published = log.rows
        self._accounts = accounts
        self._written: dict[tuple[int, int], _Written] = {}

    def published(self, seq: int) -> tuple[int, int] | None:
        """Return when this event was due and when it was published, in ns; None if it is not published."""
        return self._published[seq - 1][1:3] if 1 <= seq <= len(self._published) else None

    def written_ns(self, client: int, transport: str, seq: int) -> int | None:
        """Return when this event was first written to that client on that transport; None if it was not."""
        written = self._up_to_date(client, transport)
        at_ns = written.at_ns[seq - 1] if seq <= len(written.at_ns) else _NEVER_NS
        return None if at_ns == _NEVER_NS else at_ns

    def missed(self, client: int, transport: str) -> int:
        """Return how many events between the first and the last written to that client on that transport were not."""
        written = self._up_to_date(client, transport)
        return len(written.at_ns) - written.first_seq + 1 - written.events if written.events else 0

    def forget(self, client: int) -> None:
        """Delete a client that has left."""
        for lane in range(len(TRANSPORTS)):
            self._written.pop((client, lane), None)

    def _up_to_date(self, client: int, transport: str) -> _Written:
        lane = TRANSPORTS.index(transport)
        written = self._written.setdefault((client, lane), _Written())
        rows = self._accounts.of(client, lane).written
        for seq, written_ns in rows[written.read_rows :] if len(rows) > written.read_rows else ():
            written.take(seq, written_ns)
        written.read_rows = len(rows)
        return written
