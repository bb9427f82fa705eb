"""Things to be done later, each at its own time and in order, on one alarm for all of them."""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Callable

from servers.lateness import LatenessHistogram
from servers.timer import create_alarm


class DelayLine:
    """Runs actions when they are due, those due at the same time in the order in which they were scheduled.

    It never spins, unlike `PreciseTimer`: what waits here may be thousands of chunks a second.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._alarm = create_alarm(loop, self._release)
        self._heap: list[tuple[int, int, Callable[[], None]]] = []
        self._scheduled = 0
        self.lateness = LatenessHistogram()
        """Of every action: when it ran − when it was due."""

    def schedule(self, due_ns: int, action: Callable[[], None]) -> None:
        """Run the action at `due_ns` of CLOCK_MONOTONIC, never early."""
        self._scheduled += 1
        heapq.heappush(self._heap, (due_ns, self._scheduled, action))
        if self._heap[0][1] == self._scheduled:
            self._alarm.set(due_ns)

    def close(self) -> None:
        """Drop what is still to be done."""
        self._heap.clear()
        self._alarm.close()

    def _release(self) -> None:
        while self._heap:
            due_ns, _, action = self._heap[0]
            now_ns = time.monotonic_ns()
            if now_ns < due_ns:
                self._alarm.set(due_ns)
                return
            heapq.heappop(self._heap)
            self.lateness.add(now_ns - due_ns)
            action()
