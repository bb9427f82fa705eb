"""A program and all processes that it starts, found through its session and descendants, and ended together."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator

import psutil

_GRACE_S = 5.0
"""Some programs finish their work before they end."""
_END_CHECK_S = 0.02


class ProcessTree:
    """A program that leads a session of its own, and all processes that it or its children have started."""

    def __init__(self, pid: int) -> None:
        """Start from the program with this process id, which may have ended already."""
        self._session_id = pid
        self._first = _process(pid)
        self._known: list[psutil.Process] = []
        self._terminated = False

    def terminate(self) -> None:
        """Send SIGTERM to all processes, only once, and do not wait for them."""
        if not self._terminated:
            self._terminated = True
            self._signal(signal.SIGTERM)

    def stop(self) -> None:
        """Terminate all processes, and kill those that have not ended after a grace period."""
        self.terminate()
        deadline_s = time.monotonic() + _GRACE_S
        while self._running() and time.monotonic() < deadline_s:
            time.sleep(_END_CHECK_S)
        # More than once: a process may have started another just before it was killed.
        while self._running() and time.monotonic() < deadline_s + _GRACE_S:
            self._signal(signal.SIGKILL)
            time.sleep(_END_CHECK_S)

    def _signal(self, number: signal.Signals) -> None:
        for process in self._running():
            with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                process.send_signal(number)

    def _running(self) -> list[psutil.Process]:
        """Return all that run of the session, the descendants, and earlier descendants whose parent has ended."""
        found = {process.pid: process for process in (*self._known, *self._session(), *self._descendants())}
        self._known = [process for process in found.values() if _is_alive(process)]
        return self._known

    def _session(self) -> Iterator[psutil.Process]:
        for process in psutil.process_iter():
            with contextlib.suppress(OSError):
                if os.getsid(process.pid) == self._session_id:
                    yield process

    def _descendants(self) -> list[psutil.Process]:
        try:
            found: list[psutil.Process] = [] if self._first is None else self._first.children(recursive=True)
        except psutil.NoSuchProcess:
            return []
        return found


def _process(pid: int) -> psutil.Process | None:
    try:
        return psutil.Process(pid)
    except psutil.NoSuchProcess:
        return None


def _is_alive(process: psutil.Process) -> bool:
    """Return whether a process runs; one that has ended stays in the system's table until its parent has noticed."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
