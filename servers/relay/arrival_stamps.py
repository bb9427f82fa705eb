"""When a chunk of a TCP stream arrived: as the kernel stamped it, however late the program came to read it."""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
import time

_SO_TIMESTAMPNS = 35
"""Linux's number for it on all common architectures, and that of its message; Python does not name it."""
_STAMP = struct.Struct("@qq")
_ANCILLARY_BYTES = socket.CMSG_SPACE(_STAMP.size)
_MAX_AGE_NS = 1_000_000_000
_NS_PER_S = 1_000_000_000

Ancillary = list[tuple[int, int, bytes]]
"""What `recvmsg` gives beside the data: level, type and content of each message."""


def ask_for_stamps(sock: socket.socket) -> None:
    """Have the kernel stamp what arrives, where it can; a listening socket hands this on to those it accepts."""
    if sys.platform.startswith("linux"):
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)


def receive(sock: socket.socket, max_bytes: int) -> tuple[bytes, int]:
    """What there is to read, at most `max_bytes` of it, and when its last byte arrived (CLOCK_MONOTONIC, ns)."""
    data, ancillary, _, _ = sock.recvmsg(max_bytes, _ANCILLARY_BYTES)
    # In this order: whatever keeps the process from reading both at once makes the arrival later, never earlier, and
    # so no chunk leaves a relay before its delay is over.
    realtime_now_ns = time.time_ns()
    return data, arrival_ns(ancillary, time.monotonic_ns(), realtime_now_ns)


def arrival_ns(ancillary: Ancillary, now_ns: int, realtime_now_ns: int) -> int:
    """The stamp among `ancillary` on CLOCK_MONOTONIC, both clocks having been read just now.

    `now_ns` where there is none, or one that cannot be: in the future, or more than a second old (the realtime
    clock may be set at any time).
    """
    for level, kind, content in ancillary:
        if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS and len(content) == _STAMP.size:
            seconds, nanoseconds = _STAMP.unpack(content)
            age_ns = realtime_now_ns - (seconds * _NS_PER_S + nanoseconds)
            return now_ns - age_ns if 0 <= age_ns <= _MAX_AGE_NS else now_ns
    return now_ns
