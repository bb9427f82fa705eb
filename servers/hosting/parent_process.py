"""A server that belongs to the process that started it and ends with it, however that one ends."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_SET_PARENT_DEATH_SIGNAL = 1


def end_with_parent() -> None:
    """Have the kernel send SIGTERM when the parent is gone (Linux, prctl(2)); elsewhere nothing happens.

    It cannot be done from the parent's side: a killed parent has no chance to end its children.
    """
    if not sys.platform.startswith("linux"):
        return
    parent = os.getppid()
    ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGTERM)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)
