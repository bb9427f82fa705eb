"""Kernel stamps of arriving data: Linux's SO_TIMESTAMPNS (Documentation/networking/timestamping.rst)."""

from __future__ import annotations

import socket
import struct
import sys
import time

from contract.times import NO_TIME_NS

SO_TIMESTAMPNS = 35
"""Linux's number of this option on all common architectures; Python does not define it."""
_STAMP = struct.Struct("@qq")
_unpack_stamp = _STAMP.unpack
_ANCILLARY_BYTES = socket.CMSG_SPACE(_STAMP.size)
_MAX_AGE_NS = 1_000_000_000


def enable_stamps(sock: socket.socket) -> bool:
    """Make the kernel stamp arrivals on this socket, or on those that it accepts; return False if it cannot."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    except OSError:
        return False
    return True


def read_stamped(sock: socket.socket, max_bytes: int) -> tuple[bytes | None, int]:
    """Return the data that has arrived, and the kernel's receive stamp of its last segment, ns of CLOCK_REALTIME.

    The stamp is NO_TIME_NS if there is none. The data is empty at the end of the stream, and None if the connection
    broke, as by a reset. Raise BlockingIOError if nothing has arrived yet.
    """
    try:
        data, ancillary, _, _ = sock.recvmsg(max_bytes, _ANCILLARY_BYTES)
    except (BlockingIOError, InterruptedError):
        raise BlockingIOError from None
    except OSError:
        return None, NO_TIME_NS
    try:
        seconds, nanoseconds = _unpack_stamp(ancillary[0][2])
    except (IndexError, struct.error):
        return data, NO_TIME_NS
    return data, seconds * 1_000_000_000 + nanoseconds


def read_with_arrival(sock: socket.socket, max_bytes: int) -> tuple[bytes | None, int]:
    """Return the data of `read_stamped`, and the arrival of its last segment on CLOCK_MONOTONIC."""
    data, stamp_ns = read_stamped(sock, max_bytes)
    # In this order: a pause between the two readings makes the arrival later, never earlier.
    realtime_now_ns = time.time_ns()
    return data, arrival_ns(stamp_ns, time.monotonic_ns(), realtime_now_ns)


def arrival_ns(stamp_ns: int, now_ns: int, realtime_now_ns: int) -> int:
    """Convert a stamp to CLOCK_MONOTONIC, from readings of both clocks just now.

    Return `now_ns` if there is no stamp, or an impossible one: in the future, or more than a second old (the realtime
    clock may be set at any time).
    """
    age_ns = realtime_now_ns - stamp_ns
    return now_ns - age_ns if 0 <= age_ns <= _MAX_AGE_NS else now_ns
