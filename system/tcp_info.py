"""The kernel's counters of a TCP socket, read from TCP_INFO (Linux, include/uapi/linux/tcp.h)."""

from __future__ import annotations

import socket
import struct
import sys
from typing import NamedTuple

_INFO_BYTES = 256
_COUNTERS = struct.Struct("@B127xQII56xQ")
"""State; from byte 128 bytes_received, segs_out, segs_in; at byte 200 bytes_sent."""
_PEERS_FIN_COUNTED = frozenset({6, 7, 8, 9, 11})
"""TIME_WAIT, CLOSE, CLOSE_WAIT, LAST_ACK, CLOSING: after the peer's FIN, which counts as one received byte."""


class SocketCounters(NamedTuple):
    """Stream bytes and TCP segments, cumulative; segments are -1 where unknown."""

    up_bytes: int
    down_bytes: int
    up_segments: int
    down_segments: int

    def plus(self, other: SocketCounters) -> SocketCounters:
        """Return the sum of two sockets' counters."""
        return SocketCounters(
            self.up_bytes + other.up_bytes,
            self.down_bytes + other.down_bytes,
            self.up_segments + other.up_segments,
            self.down_segments + other.down_segments,
        )


def kernel_counts_sockets(sock: socket.socket) -> bool:
    """Return whether this platform's TCP_INFO includes the counters used here (Linux 4.19)."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        return len(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO_BYTES)) >= _COUNTERS.size
    except OSError:
        return False


def read_counters(sock: socket.socket) -> SocketCounters:
    """Return the counters of one connected socket."""
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO_BYTES)
    state, received, segments_out, segments_in, sent = _COUNTERS.unpack_from(info)
    if state in _PEERS_FIN_COUNTED and received:
        received -= 1
    return SocketCounters(sent, received, segments_out, segments_in)
