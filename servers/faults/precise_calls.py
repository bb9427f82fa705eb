"""Calls at times that become known only one by one, as exact as the publisher: by the same timer, with its lead.

A fault that happens at a time should find the process as awake as a published event does, and delay nothing meanwhile.
(`DelayLine` runs thousands of actions a second instead, with as little spinning as possible.)
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable

from system.asyncio_timer import PreciseTimer


class PreciseCalls:
    """Calls `action` once at each added time, in order and never early."""

    def __init__(self, loop: asyncio.AbstractEventLoop, action: Callable[[], None]) -> None:
        self._loop = loop
        self._action = action
        self._timer = PreciseTimer(loop)
        self._due_ns: list[int] = []
        self._task: asyncio.Task[None] | None = None

    def add(self, due_ns: int) -> None:
        """Add a call at `due_ns` of CLOCK_MONOTONIC, or soon if that has passed."""
        heapq.heappush(self._due_ns, due_ns)
        if self._task is None or self._task.done():
            self._begin()
        elif self._due_ns[0] == due_ns:
            # The present wait is for a later time.
            self._task.cancel()
            self._begin()

    def close(self) -> None:
        """Drop all calls."""
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
