"""Actions that run at given times, in order, with a single alarm for all of them.

An alarm wakes an idle process 0.05 to 0.2 ms late. So it is set early by `LEAD_NS`, and the rest is spent spinning, as
long as the `SpinBudget` allows: with thousands of chunks a second the process would otherwise never sleep.
"""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Callable

from servers.events.lateness_histogram import LatenessHistogram
from system.asyncio_timer import create_alarm

LEAD_NS = 250_000
"""Longer than the lateness of nine wake-ups in ten, as measured on a virtual machine; also the longest spin at a time.
"""


class SpinBudget:
    """A limit of the time spent spinning: `SHARE_RATIO` of all time; unused time is saved, up to `MAX_SAVED_NS`."""

    SHARE_RATIO = 0.1
    MAX_SAVED_NS = 10_000_000

    def __init__(self, now_ns: int) -> None:
        self._saved_ns = self.MAX_SAVED_NS
        self._counted_ns = now_ns

    def left_ns(self, now_ns: int) -> int:
        """Return how long the caller may spin at `now_ns`."""
        earned_ns = int((now_ns - self._counted_ns) * self.SHARE_RATIO)
        self._saved_ns = min(self._saved_ns + earned_ns, self.MAX_SAVED_NS)
        self._counted_ns = now_ns
        return self._saved_ns

    def spend(self, spun_ns: int) -> None:
        """Subtract the time spent spinning."""
        self._saved_ns -= spun_ns


class DelayLine:
    """Runs actions when they are due, and those due at the same time in the order in which they were scheduled.

    Unlike with `PreciseTimer`, nothing else runs while it spins, which takes at most `LEAD_NS`.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._alarm = create_alarm(loop, self._release)
        self._heap: list[tuple[int, int, Callable[[], None]]] = []
        self._scheduled = 0
        self._budget = SpinBudget(time.monotonic_ns())
        self.lateness = LatenessHistogram()
        """Time from due to run, of every action."""

    def schedule(self, due_ns: int, action: Callable[[], None]) -> None:
        """Run the action at `due_ns` of CLOCK_MONOTONIC, never early."""
        self._scheduled += 1
        heapq.heappush(self._heap, (due_ns, self._scheduled, action))
        if self._heap[0][1] == self._scheduled:
            self._set_alarm(due_ns, time.monotonic_ns())

    def close(self) -> None:
        """Drop all actions."""
        self._heap.clear()
        self._alarm.close()

    def _set_alarm(self, due_ns: int, now_ns: int) -> None:
        affordable = self._budget.left_ns(now_ns) >= LEAD_NS
        self._alarm.set(due_ns - LEAD_NS if affordable else due_ns)

    def _release(self) -> None:
        now_ns = time.monotonic_ns()
        spin_ns = min(LEAD_NS, self._budget.left_ns(now_ns))
        while self._heap:
            due_ns, _, action = self._heap[0]
            ahead_ns = due_ns - now_ns
            if ahead_ns > spin_ns:
                self._set_alarm(due_ns, now_ns)
                return
            if ahead_ns > 0:
                spin_ns -= ahead_ns
                self._budget.spend(ahead_ns)
                while now_ns < due_ns:
                    now_ns = time.monotonic_ns()
            heapq.heappop(self._heap)
            self.lateness.add(now_ns - due_ns)
            action()
            now_ns = time.monotonic_ns()
