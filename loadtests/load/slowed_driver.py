"""A driver that is slow on purpose with every other client: the test hook that shows whether a figure is free of the
client's own delay.

The others are the comparison: they hear of the same events from the same server, in the same random order, on the
same cores. Between two trials, the one slowed and the other not, a server's own time differs by more than what is to
be shown.
"""

from __future__ import annotations

import time
from collections import deque
from typing import NamedTuple

from contract.records import NO_TIME_NS, is_slowed
from loadtests.clients.recorder import Recorder
from loadtests.load.connection import Connection
from loadtests.load.socket_driver import Driver

PROBLEM = "every other client was slowed on purpose"
_ALARM_SPACING_NS = 500_000
"""So many alarms as deliveries would cost as much as the deliveries, and slow the server on the core beside it."""


class _Held(NamedTuple):
    due_ns: int
    connection: Connection
    sock: object
    """The connection's at the time: it may have another one since."""
    data: bytes | None
    kernel_ns: int


class SlowDriver(Driver):
    """Hands what has arrived to a slowed client a fixed time after its arrival, as a busy program would.

    It reads when any client reads, with the same system calls, so that nothing but the client's own delay differs:
    left unread in the kernel, data would change how the sender's wake-ups and segments fall, and with them the very
    arrivals that are to be compared.
    """

    def __init__(self, address: tuple[str, int], recorder: Recorder, delay_ms: float, read_spacing_ns: int = 0) -> None:
        super().__init__(address, recorder, read_spacing_ns)
        self._delay_ns = round(delay_ms * 1e6)
        self._realtime_offset_ns = time.time_ns() - time.monotonic_ns()
        # All are held equally long, so whoever came first is due first, but for the kernel's stamps of bytes that
        # were read together: one deadline serves them all.
        self._held: deque[_Held] = deque()
        self._alarmed = False
        recorder.problems.add(PROBLEM)

    def _arrived(self, connection: Connection, data: bytes | None, kernel_ns: int, user_ns: int) -> None:
        if not is_slowed(connection.client.index):
            super()._arrived(connection, data, kernel_ns, user_ns)
            self._hand_over(user_ns)
            return
        if not data:
            self._stop_reading(connection)  # the end of a stream would be told again and again meanwhile
        # By the kernel, so that what this process is late already is no delay on top.
        arrived_ns = user_ns if kernel_ns == NO_TIME_NS else kernel_ns - self._realtime_offset_ns
        self._held.append(_Held(arrived_ns + self._delay_ns, connection, connection.sock, data, kernel_ns))
        self._hand_over(user_ns)

    def _hand_over(self, now_ns: int) -> None:
        """What is due; called by every arrival, so that an alarm is needed only when none comes."""
        while self._held and self._held[0].due_ns <= now_ns:
            held = self._held.popleft()
            if held.connection.sock is held.sock:
                super()._arrived(held.connection, held.data, held.kernel_ns, time.monotonic_ns())
        if self._held and not self._alarmed:
            self._alarmed = True
            self._deadlines.call_at(max(self._held[0].due_ns, now_ns + _ALARM_SPACING_NS), SlowDriver._alarm_rang, self)

    def _alarm_rang(self, due_ns: int, now_ns: int) -> None:
        self._alarmed = False
        self._hand_over(now_ns)
