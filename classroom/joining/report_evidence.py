"""The server's own record of the current run, with which devices' reports are compared."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from itertools import islice

from classroom.lanes.accounts import Accounts
from classroom.lanes.definitions import TRANSPORTS
from classroom.published_events import RecordingLog

_NEVER_NS = -1
"""CLOCK_MONOTONIC never reads this."""


@dataclass(slots=True)
class _Sent:
    """The events sent to one client on one lane, for the part of its account that has been read."""

    read_written: int = 0
    read_answered: int = 0
    after_ns: array[int] = field(default_factory=lambda: array("q"))
    """A time before each event was sent, by seq - 1; _NEVER_NS for events not sent."""
    events: int = 0
    first_seq: int = 0

    def take(self, seq: int, after_ns: int) -> None:
        """Add an event that was sent after this time, unless it is known."""
        if seq > len(self.after_ns):
            self.after_ns.extend([_NEVER_NS] * (seq - len(self.after_ns)))
        if self.after_ns[seq - 1] == _NEVER_NS:
            self.after_ns[seq - 1] = after_ns
            self.events += 1
            self.first_seq = min(self.first_seq or seq, seq)


class RunEvidence:
    """The record of one run."""

    def __init__(self, log: RecordingLog, accounts: Accounts) -> None:
        self._published = log.rows
        self._accounts = accounts
        self._sent: dict[tuple[int, int], _Sent] = {}

    def published(self, seq: int) -> tuple[int, int] | None:
        """Return when this event was due and when it was published, in ns; None if it is not published."""
        return self._published[seq - 1][1:3] if 1 <= seq <= len(self._published) else None

    def sent_after_ns(self, client: int, transport: str, seq: int) -> int | None:
        """Return a time before this event was sent to that client on that transport; None if it was not sent.

        The time at which it was written is recorded afterwards, and late if the process waits for a core. Certainly
        earlier are its publication and, for a poll, the arrival of the answered request.
        """
        sent = self._up_to_date(client, transport)
        after_ns = sent.after_ns[seq - 1] if seq <= len(sent.after_ns) else _NEVER_NS
        return None if after_ns == _NEVER_NS else after_ns

    def missed(self, client: int, transport: str) -> int:
        """Return how many events between the first and the last written to that client on that transport were not."""
        sent = self._up_to_date(client, transport)
        return len(sent.after_ns) - sent.first_seq + 1 - sent.events if sent.events else 0

    def forget(self, client: int) -> None:
        """Delete a client that has left."""
        for lane in range(len(TRANSPORTS)):
            self._sent.pop((client, lane), None)

    def _up_to_date(self, client: int, transport: str) -> _Sent:
        lane = TRANSPORTS.index(transport)
        sent = self._sent.setdefault((client, lane), _Sent())
        account = self._accounts.of(client, lane)
        for request in islice(account.answered, sent.read_answered, None):
            for seq in request.seqs:
                sent.take(seq, max(self._published[seq - 1][2], request.arrived_ns))
        for seq, _ in islice(account.written, sent.read_written, None):
            sent.take(seq, self._published[seq - 1][2])
        sent.read_answered, sent.read_written = len(account.answered), len(account.written)
        return sent
