"""Timers on CLOCK_MONOTONIC that are more precise than those of event loops.

Event loop timers have a resolution of a millisecond. An `Alarm` is a timerfd on Linux, usually 0.1 to 0.2 ms late; a
`PreciseTimer` sets an alarm early, spins for the rest of the time, and records the CPU time of the spinning.
`PreciseCalls` makes calls at times that become known one by one, with the same timer.
"""

from __future__ import annotations

import asyncio
import heapq
import os
import time
from collections.abc import Callable
from typing import Protocol

from system.timer_descriptor import TimerFd, have_timerfd

_NS_PER_S = 1_000_000_000
_TIMERFD_LEAD_NS = 700_000
_LOOP_LEAD_NS = 1_500_000
"""How long before its due time a wait changes from sleeping to spinning. Nearly every wake-up is less late."""

_IDLE_SPIN_NS = 30_000
"""A turn of the event loop that took less CPU time than this did nothing but spin."""


class Alarm(Protocol):
    """Calls back once at a time of CLOCK_MONOTONIC; setting it again replaces the time."""

    LEAD_NS: int

    def set(self, due_ns: int) -> None:
        """Call back at `due_ns`, or at once if that has passed."""

    def close(self) -> None:
        """Cancel the call and release the resources."""


class _TimerfdAlarm:
    """An alarm on Linux: the kernel's high-resolution timer as a descriptor in the loop."""

    LEAD_NS = _TIMERFD_LEAD_NS

    def __init__(self, loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
        self._loop = loop
        self._callback = callback
        self._timer: TimerFd | None = TimerFd()
        loop.add_reader(self._timer.fileno(), self._expired)

    def set(self, due_ns: int) -> None:
        if self._timer is not None:
            self._timer.set(due_ns)

    def close(self) -> None:
        if self._timer is not None:
            self._loop.remove_reader(self._timer.fileno())
            self._timer.close()
            self._timer = None

    def _expired(self) -> None:
        if self._timer is None:
            return
        try:
            os.read(self._timer.fileno(), 8)
        except BlockingIOError:
            return  # set again between the expiry and this call
        self._callback()


class _LoopAlarm:
    """An alarm on other systems: the loop's own timer."""

    LEAD_NS = _LOOP_LEAD_NS

    def __init__(self, loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
        self._loop = loop
        self._callback = callback
        self._handle: asyncio.TimerHandle | None = None

    def set(self, due_ns: int) -> None:
        self.close()
        self._handle = self._loop.call_later((due_ns - time.monotonic_ns()) / _NS_PER_S, self._callback)

    def close(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None


ALARM_KIND = "timerfd" if have_timerfd() else "loop"


def create_alarm(loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> Alarm:
    """Return the most precise alarm that the platform has; `ALARM_KIND` names it."""
    return _TimerfdAlarm(loop, callback) if have_timerfd() else _LoopAlarm(loop, callback)


class PreciseTimer:
    """Waits for one due time after the other, microseconds late and never early.

    Only one wait at a time. Spinning costs CPU time that no event needs: `spin_cpu_ns` counts it, so that it can be
    subtracted from the server's CPU time per event.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._alarm = create_alarm(loop, self._wake)
        self._woken: asyncio.Future[None] | None = None
        self.spin_cpu_ns = 0
        """CPU time of the loop's turns that did nothing but spin."""

    async def wait_until(self, due_ns: int) -> None:
        """Return at `due_ns` of CLOCK_MONOTONIC, or at once if that has passed."""
        wake_ns = due_ns - self._alarm.LEAD_NS
        while time.monotonic_ns() < wake_ns:
            self._woken = self._loop.create_future()
            self._alarm.set(wake_ns)
            await self._woken
        await self._spin_until(due_ns)

    def close(self) -> None:
        """Release the alarm; no wait may be in progress."""
        self._alarm.close()

    def _wake(self) -> None:
        if self._woken is not None and not self._woken.done():
            self._woken.set_result(None)

    async def _spin_until(self, due_ns: int) -> None:
        before_ns = time.thread_time_ns()
        while time.monotonic_ns() < due_ns:
            await asyncio.sleep(0)
            now_ns = time.thread_time_ns()
            if now_ns - before_ns < _IDLE_SPIN_NS:
                self.spin_cpu_ns += now_ns - before_ns
            before_ns = now_ns


class PreciseCalls:
    """Calls `action` once at each added time, in order and never early.

    It wakes the process as precisely as the publisher's timer does, and the event loop runs while it waits.
    (`DelayLine` runs thousands of actions a second instead, with as little spinning as possible.)
    """

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
