"""A fixed piece of work, timed: how fast a core of this machine computes at the moment.

The host of a virtual machine, a processor's clock rate and its temperature change how much work a second of CPU time
does, by half and more within minutes, and nothing else that the system reports shows it.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import statistics
import time
from collections.abc import Iterator, Sequence

_REPEATS = 9
_MESSAGES = 150
_PAYLOAD = "x" * 100


def fixed_work_ns(cores: Sequence[int] | None = None) -> int:
    """Return the CPU time of one piece of the work on these cores (None: any), the median of nine, ns.

    A piece is what servers and clients of this harness spend most of their time on: 150 messages are encoded as JSON,
    sent to a socket, received from it and decoded. It takes about 2 ms.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(_on_cores(cores))
        sender, receiver = (stack.enter_context(end) for end in socket.socketpair())
        return round(statistics.median(_piece_ns(sender, receiver) for _ in range(_REPEATS)))


def _piece_ns(sender: socket.socket, receiver: socket.socket) -> int:
    started_ns = time.thread_time_ns()
    for seq in range(_MESSAGES):
        sender.send(json.dumps({"seq": seq, "due_ns": seq * 1_000_003, "payload": _PAYLOAD}).encode())
        json.loads(receiver.recv(4096))
    return time.thread_time_ns() - started_ns


@contextlib.contextmanager
def _on_cores(cores: Sequence[int] | None) -> Iterator[None]:
    """Let the calling thread run on these cores alone for the time of the block."""
    if cores is None:
        yield
        return
    usual = os.sched_getaffinity(0)  # on Linux that of the calling thread
    with contextlib.suppress(OSError):  # where pinning is forbidden, processes are not pinned either
        os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            os.sched_setaffinity(0, usual)
