"""Any number of deadlines on gevent's loop with a single alarm, called in the order in which they are due.

libev waits in whole milliseconds, which would make every scheduled poll half a millisecond late on average; a timerfd
(Linux) wakes the same loop within tens of microseconds.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import math
import os
import time
from collections.abc import Callable, Collection
from typing import Any, TypeVar

from system.timer_descriptor import TimerFd, have_timerfd

_READ = 1


class Alarm:
    """A timer that calls back once after each `set`."""

    def __init__(self, loop: Any, callback: Callable[[], None]) -> None:
        self._loop = loop
        self._callback = callback
        self._descriptor = TimerFd() if have_timerfd() else None
        self._unread = False
        if self._descriptor is not None:
            self._watcher = loop.io(self._descriptor.fileno(), _READ)
            self._watcher.start(self._expired)
        else:
            self._watcher = None

    def set(self, due_ns: int) -> None:
        """Call back at `due_ns` of CLOCK_MONOTONIC; this replaces a time that was set before."""
        if self._descriptor is not None:
            self._descriptor.set(due_ns)
            self._unread = False
            return
        if self._watcher is not None:
            self._watcher.stop()
        self._watcher = self._loop.timer(max(0.0, (due_ns - time.monotonic_ns()) / 1e9))
        self._watcher.start(self._callback)

    def close(self) -> None:
        """Cancel the call and release the resources."""
        self._unread = False
        if self._watcher is not None:
            self._watcher.stop()
        if self._descriptor is not None:
            self._watcher.close()
            self._descriptor.close()

    def _expired(self) -> None:
        # Setting the descriptor again clears it like a read, and nearly every callback sets it.
        self._unread = True
        self._callback()
        if self._unread and self._descriptor is not None:
            with contextlib.suppress(BlockingIOError):
                os.read(self._descriptor.fileno(), 8)


Subject = TypeVar("Subject")


class Deadlines:
    """Callbacks at given times, on gevent's loop."""

    def __init__(self, loop: Any) -> None:
        self._waiting: list[tuple[int, int, Callable[[Any, int, int], None], Any]] = []
        self._order = itertools.count()
        self._alarm = Alarm(loop, self._run_due)
        self._alarm_ns: float = math.inf
        """The time for which the alarm is set; infinity if it is not set, minus infinity while it must not be set."""
        self._closed = False

    def call_at(self, due_ns: int, callback: Callable[[Subject, int, int], None], subject: Subject) -> None:
        """Call `callback(subject, due_ns, now_ns)` once `due_ns` (monotonic) has passed.

        The subject is an argument because a closure for every poll would cost more than the deadline.
        """
        heapq.heappush(self._waiting, (due_ns, next(self._order), callback, subject))
        if due_ns < self._alarm_ns:
            self._set_alarm()

    def drop(self, subjects: Collection[Any]) -> None:
        """Drop all calls about any of these subjects, in one pass."""
        self._waiting = [waiting for waiting in self._waiting if waiting[3] not in subjects]
        heapq.heapify(self._waiting)
        self._set_alarm()

    def close(self) -> None:
        """Drop all calls."""
        self._closed = True
        self._alarm.close()

    def _set_alarm(self) -> None:
        if not self._waiting:
            self._alarm_ns = math.inf
            return
        earliest_ns = self._waiting[0][0]
        self._alarm.set(earliest_ns)
        self._alarm_ns = earliest_ns

    def _run_due(self) -> None:
        now_ns = time.monotonic_ns()
        # The alarm is not set while callbacks run, but once afterwards: for the earliest deadline that is left.
        self._alarm_ns = -math.inf
        while self._waiting and self._waiting[0][0] <= now_ns and not self._closed:
            due_ns, _, callback, subject = heapq.heappop(self._waiting)
            callback(subject, due_ns, now_ns)
            now_ns = time.monotonic_ns()
        if not self._closed:
            self._set_alarm()
