"""A timer for gevent's loop, precise if the platform has timer descriptors.

libev waits in whole milliseconds, which would make every scheduled poll half a millisecond late on average; a timerfd
(Linux) wakes the same loop within tens of microseconds.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from typing import Any

from system.timer_descriptor import TimerFd, have_timerfd

_READ = 1


class Alarm:
    """Calls back once after each `set`, when its time has come."""

    def __init__(self, loop: Any, callback: Callable[[], None]) -> None:
        self._loop = loop
        self._callback = callback
        self._descriptor = TimerFd() if have_timerfd() else None
        self._unread = False
        if self._descriptor is not None:
            self._watcher = loop.io(self._descriptor.fileno(), _READ)
            self._watcher.start(self._rung)
        else:
            self._watcher = None

    def set(self, due_ns: int) -> None:
        """Call back at `due_ns` (monotonic), instead of at the time that was set before."""
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

    def _rung(self) -> None:
        # Setting the descriptor again clears it like a read, and nearly every callback sets it.
        self._unread = True
        self._callback()
        if self._unread and self._descriptor is not None:
            with contextlib.suppress(BlockingIOError):
                os.read(self._descriptor.fileno(), 8)
