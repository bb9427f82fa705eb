"""Arrival times of the chunks of a TCP stream, stamped by the kernel, however late the program reads them."""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
import time

_SO_TIMESTAMPNS = 35
"""Linux's number of the option on all common architectures, and of its message; Python does not define it."""
_STAMP = struct.Struct("@qq")
_ANCILLARY_BYTES = socket.CMSG_SPACE(_STAMP.size)
_MAX_AGE_NS = 1_000_000_000
_NS_PER_S = 1_000_000_000

Ancillary = list[tuple[int, int, bytes]]
"""What `recvmsg` returns beside the data: level, type and content of each message."""


def ask_for_stamps(sock: socket.socket) -> None:
    """Make the kernel stamp arrivals if it can; accepted sockets inherit this from a listening one."""
    if sys.platform.startswith("linux"):
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)


def receive(sock: socket.socket, max_bytes: int) -> tuple[bytes, int]:
    """Return what there is to read, at most `max_bytes`, and when its last byte arrived (CLOCK_MONOTONIC, ns)."""
    data, ancillary, _, _ = sock.recvmsg(max_bytes, _ANCILLARY_BYTES)
    # In this order: a pause between the two readings makes the arrival later, never earlier, so that no chunk leaves
    # a relay before its delay is over.
    realtime_now_ns = time.time_ns()
    return data, arrival_ns(ancillary, time.monotonic_ns(), realtime_now_ns)


def arrival_ns(ancillary: Ancillary, now_ns: int, realtime_now_ns: int) -> int:
    """Return the stamp among `ancillary` on CLOCK_MONOTONIC; both clocks were read just now.

    Return `now_ns` if there is no stamp, or an impossible one: in the future, or more than a second old (the realtime
    clock may be set at any time).
    """
    for level, kind, content in ancillary:
        if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS and len(content) == _STAMP.size:
            seconds, nanoseconds = _STAMP.unpack(content)
            age_ns = realtime_now_ns - (seconds * _NS_PER_S + nanoseconds)
            return now_ns - age_ns if 0 <= age_ns <= _MAX_AGE_NS else now_ns
    return now_ns
