"""Kernel stamps of arriving data: Linux's SO_TIMESTAMPNS (Documentation/networking/timestamping.rst)."""

from __future__ import annotations

import socket
import struct

from contract.records import NO_TIME_NS

SO_TIMESTAMPNS = 35
"""Linux's number of this option on all common architectures; Python does not define it."""
_STAMP = struct.Struct("@qq")
_unpack_stamp = _STAMP.unpack
_ANCILLARY_BYTES = socket.CMSG_SPACE(_STAMP.size)


def ask_for_stamps(sock: socket.socket) -> bool:
    """Make the kernel stamp arrivals on this socket, or on those that it accepts; return False if it cannot."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    except OSError:
        return False
    return True


def read_stamped(sock: socket.socket, max_bytes: int) -> tuple[bytes | None, int]:
    """Return what has arrived, and the kernel's receive stamp of its last segment (CLOCK_REALTIME, else NO_TIME_NS).

    The bytes are empty at the end of the stream, and None if the connection broke, as by a reset. Raise BlockingIOError
    if nothing has arrived yet.
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
