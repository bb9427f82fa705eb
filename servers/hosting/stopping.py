"""The end of a server: at SIGINT and SIGTERM, and when the process that started it ends."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def on_signals(act: Callable[[], None]) -> Iterator[None]:
    """Call `act` at SIGINT and SIGTERM, within the running loop."""
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM)
    for number in signals:
        loop.add_signal_handler(number, act)
    try:
        yield
    finally:
        for number in signals:
            loop.remove_signal_handler(number)


_SET_PARENT_DEATH_SIGNAL = 1


def end_with_parent() -> None:
    """Make the kernel send SIGTERM when the parent ends (Linux, prctl(2)); do nothing on other systems.

    The parent cannot do this itself: if it is killed, it has no chance to end its children.
    """
    if not sys.platform.startswith("linux"):
        return
    parent = os.getppid()
    ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGTERM)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)
