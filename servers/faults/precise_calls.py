"""Calls at times that become known as one goes, exactly as the publisher publishes: by the same timer, with its lead.

Whatever happens on time for its own sake should find the process as awake as an event does that is published, and hold
nobody up meanwhile. (`DelayLine` serves thousands of times a second instead, with as little spinning as will do.)
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable

from system.asyncio_timer import PreciseTimer


class PreciseCalls:
    """Calls `action` once at each time that was added, in order and never early."""

    def __init__(self, loop: asyncio.AbstractEventLoop, action: Callable[[], None]) -> None:
        self._loop = loop
        self._action = action
        self._timer = PreciseTimer(loop)
        self._due_ns: list[int] = []
        self._task: asyncio.Task[None] | None = None

    def add(self, due_ns: int) -> None:
        """Call also at `due_ns` of CLOCK_MONOTONIC, or soon where that is past."""
        heapq.heappush(self._due_ns, due_ns)
        if self._task is None or self._task.done():
            self._begin()
        elif self._due_ns[0] == due_ns:
            # The wait under way is for a later time.
            self._task.cancel()
            self._begin()

    def close(self) -> None:
        """Call no more."""
        self._due_ns.clear()
        if self._task is not None:
            self._task.cancel()
            self._task = None
        self._timer.close()

    def _begin(self) -> None:
        self._task = self._loop.create_task(self._call_when_due())

    async def _call_when_due(self) -> None:
        while self._due_ns:
            await self._timer.wait_until(self._due_ns[0])
            heapq.heappop(self._due_ns)
            self._action()
