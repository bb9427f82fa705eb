"""Linux's timer descriptor: a deadline that any event loop can wait for with nanosecond resolution.

`os.timerfd_create` came with Python 3.13; for older versions the C library is called directly.
"""

from __future__ import annotations

import ctypes
import os
import sys

_CLOCK_MONOTONIC = 1
_NONBLOCK_CLOEXEC = os.O_NONBLOCK | getattr(os, "O_CLOEXEC", 0)
_ABSOLUTE = 1


class _TimeSpec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _TimerSpec(ctypes.Structure):
    _fields_ = (("interval", _TimeSpec), ("value", _TimeSpec))


def have_timerfd() -> bool:
    """Return whether this platform has timer descriptors."""
    return sys.platform.startswith("linux")


class TimerFd:
    """One deadline on CLOCK_MONOTONIC; the descriptor becomes readable (8 bytes) when it has passed."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor = self._libc.timerfd_create(_CLOCK_MONOTONIC, _NONBLOCK_CLOEXEC)
        if self._descriptor < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create")
        # Created once: each poll sets a deadline, and should cost little more than its system calls.
        self._spec = _TimerSpec()
        self._value = self._spec.value
        self._settime = self._libc.timerfd_settime

    def fileno(self) -> int:
        """Return the descriptor, for a loop to watch."""
        return int(self._descriptor)

    def set(self, due_ns: int) -> None:
        """Make the descriptor readable at `due_ns`, or at once if that has passed."""
        # A value of zero would disarm it.
        self._value.seconds, self._value.nanoseconds = divmod(max(due_ns, 1), 1_000_000_000)
        if self._settime(self._descriptor, _ABSOLUTE, ctypes.byref(self._spec), None) < 0:
            raise OSError(ctypes.get_errno(), "timerfd_settime")

    def close(self) -> None:
        """Close the descriptor."""
        os.close(self._descriptor)
