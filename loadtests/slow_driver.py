"""A driver that reads late on purpose: the test hook that shows whether a figure is free of the client's own delay."""

from __future__ import annotations

import socket
import time
from collections import deque
from typing import Any

from loadtests.connection import Connection
from loadtests.driver import Driver
from loadtests.kernel_stamps import ANCILLARY_BYTES, kernel_stamp_ns
from loadtests.recorder import Recorder

PROBLEM = "the client was slowed on purpose"


class SlowDriver(Driver):
    """Leaves what has arrived unread for a fixed time after its arrival, and burns no CPU meanwhile."""

    def __init__(self, address: tuple[str, int], recorder: Recorder, delay_ms: float) -> None:
        super().__init__(address, recorder)
        self._delay_ns = round(delay_ms * 1e6)
        self._realtime_offset_ns = time.time_ns() - time.monotonic_ns()
        # All wait equally long, so whoever came first is due first: one deadline serves them all.
        self._unread: deque[tuple[int, Connection, Any]] = deque()
        self.problems.add(PROBLEM)

    def _readable(self, connection: Connection) -> None:
        watcher = connection.read_watcher
        watcher.stop()
        due_ns = self._arrived_ns(connection) + self._delay_ns
        self._unread.append((due_ns, connection, watcher))
        if len(self._unread) == 1:
            self._deadlines.call_at(due_ns, self._read_due)

    def _arrived_ns(self, connection: Connection) -> int:
        """By the kernel, so that what this process is late already is no delay on top; now, where there is no stamp."""
        assert connection.sock is not None
        try:
            _, ancillary, _, _ = connection.sock.recvmsg(1, ANCILLARY_BYTES, socket.MSG_PEEK)
        except OSError:
            ancillary = []
        stamp_ns = kernel_stamp_ns(ancillary)
        return stamp_ns - self._realtime_offset_ns if stamp_ns else time.monotonic_ns()

    def _read_due(self, now_ns: int) -> None:
        while self._unread and self._unread[0][0] <= now_ns:
            _, connection, watcher = self._unread.popleft()
            # Closed meanwhile, and perhaps opened again with another watcher: then there is nothing to read by this.
            if connection.read_watcher is watcher:
                super()._readable(connection)
            if connection.read_watcher is watcher:
                watcher.start(self._readable, connection)
        if self._unread:
            self._deadlines.call_at(self._unread[0][0], self._read_due)
