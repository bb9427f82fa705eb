"""Fan-out without a task per client: each event is framed once, and its bytes go to all connections in one loop.

This serves a client as long as it keeps up. When its connection accepts no more data, its own task waits until the
client reads, and sends what it has missed; once it has caught up, it is served here again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from servers.events.log import CursorTooOldError, EncodedEvent, EventLog, Follower, Framing
from servers.events.waiters import Waiter


class DirectWriter(Waiter):
    """Writes new events to one channel when the log wakes its waiters."""

    __slots__ = ("_follower", "_framing", "_log", "_record", "_stopped", "_write")

    def __init__(
        self,
        log: EventLog,
        follower: Follower,
        framing: Framing,
        write: Callable[[bytes], bool],
        record: Callable[[EncodedEvent], None] | None = None,
    ) -> None:
        """Create a writer that calls `record` with each event after it was written."""
        super().__init__()
        self._log = log
        self._follower = follower
        self._framing = framing
        self._write = write
        self._record = record
        self._stopped: asyncio.Future[None] | None = None

    async def write_while_it_keeps_up(self) -> None:
        """Write from the next event on; return when the connection accepts no more, or the log is closed."""
        if self._log.closed:
            return
        self._stopped = asyncio.get_running_loop().create_future()
        self._log.waiters.add(self)
        try:
            await self._stopped
        finally:
            self._log.waiters.remove(self)
            self._stopped = None

    def wake(self) -> None:
        """Write the new events."""
        if self._stopped is None or self._stopped.done():
            return  # the channel stopped waiting between the event and its turn
        if self._write_new() and not self._log.closed:
            self._log.waiters.add(self)
        else:
            self._stopped.set_result(None)

    def _write_new(self) -> bool:
        follower, log = self._follower, self._log
        try:
            event = follower.peek()
            while event is not None:
                if not self._write(event.framed(self._framing)):
                    return False
                follower.cursor = event.seq
                if self._record is not None:
                    self._record(event)
                event = follower.peek() if event.seq < log.last_seq else None
        except CursorTooOldError:
            return False
        return True
