"""When the kernel received what a read returns: Linux's SO_TIMESTAMPNS (Documentation/networking/timestamping.rst)."""

from __future__ import annotations

import socket
import struct

SO_TIMESTAMPNS = 35
"""Linux's number for it on all common architectures; Python does not name it."""
_STAMP = struct.Struct("@qq")
_unpack_stamp = _STAMP.unpack
ANCILLARY_BYTES = socket.CMSG_SPACE(_STAMP.size)


def ask_for_stamps(sock: socket.socket) -> bool:
    """Have the kernel stamp what arrives on this socket; False where it does not do so."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    except OSError:
        return False
    return True


def kernel_stamp_ns(ancillary: list[tuple[int, int, bytes]]) -> int:
    """The receive stamp (CLOCK_REALTIME) that came with a read; 0 without one."""
    try:
        seconds, nanoseconds = _unpack_stamp(ancillary[0][2])
    except (IndexError, struct.error):
        return 0
    stamp_ns: int = seconds * 1_000_000_000 + nanoseconds
    return stamp_ns
