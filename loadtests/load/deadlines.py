"""Any number of deadlines with one alarm, called in the order in which they are due."""

from __future__ import annotations

import heapq
import itertools
import math
import time
from collections.abc import Callable, Collection
from typing import Any, TypeVar

from system.gevent_alarm import Alarm

Subject = TypeVar("Subject")


class Deadlines:
    """Callbacks at given times, on gevent's loop."""

    def __init__(self, loop: Any) -> None:
        self._waiting: list[tuple[int, int, Callable[[Any, int, int], None], Any]] = []
        self._order = itertools.count()
        self._alarm = Alarm(loop, self._run_due)
        self._alarm_ns: float = math.inf
        """The time for which the alarm is set; minus infinity while it must not be set to an earlier one."""
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
        # Not set from within callbacks: one setting at the end serves all that were added meanwhile.
        self._alarm_ns = -math.inf
        while self._waiting and self._waiting[0][0] <= now_ns and not self._closed:
            due_ns, _, callback, subject = heapq.heappop(self._waiting)
            callback(subject, due_ns, now_ns)
            now_ns = time.monotonic_ns()
        if not self._closed:
            self._set_alarm()
