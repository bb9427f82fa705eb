"""A non-blocking socket in an event loop, whose arrivals are stamped by the kernel.

The transports of asyncio and uvloop read without ancillary data, and so know only when they read.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from typing import Protocol

from system.kernel_stamps import enable_stamps, read_with_arrival

_READ_BYTES = 65_536
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class SocketUser(Protocol):
    """The callbacks of a `RelaySocket`."""

    def received(self, data: bytes, arrived_ns: int) -> None:
        """Handle data, whose last byte arrived at `arrived_ns` of CLOCK_MONOTONIC."""

    def ended(self, arrived_ns: int) -> None:
        """Handle the end of the other side's stream."""

    def sent(self, sent_bytes: int) -> None:
        """Handle that the kernel has taken this many more of the written bytes."""

    def closed(self, broken: bool) -> None:
        """Handle the end of the socket, `broken` if neither this side nor the end of both streams closed it."""


class RelaySocket:
    """One socket; data written before it is connected is sent when it is."""

    def __init__(self, loop: asyncio.AbstractEventLoop, user: SocketUser) -> None:
        self._loop = loop
        self._user = user
        self._sock: socket.socket | None = None
        self._unsent = bytearray()
        self._reading = False
        self._writing = False
        self._got_eof = False
        self._eof_to_send = False
        self._sent_eof = False
        self._closed = False

    def attach(self, sock: socket.socket) -> None:
        """Take over a connected, non-blocking socket, and start to read it."""
        if self._closed:  # reset before it was connected
            _reset_on_close(sock)
            sock.close()
            return
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        enable_stamps(sock)
        self._sock = sock
        self.set_reading(True)
        self._flush()

    def set_reading(self, wanted: bool) -> None:
        """Stop or resume reading; after the end of the stream there is nothing more to read."""
        wanted = wanted and not self._got_eof
        if self._sock is None or wanted == self._reading:
            return
        self._reading = wanted
        if wanted:
            self._loop.add_reader(self._sock.fileno(), self._readable)
        else:
            self._loop.remove_reader(self._sock.fileno())

    def write(self, data: bytes) -> None:
        """Send now, or when there is room and a connection; drop the data if the socket is closed."""
        if self._closed:
            return
        if self._sock is None or self._unsent:
            self._unsent += data
            return
        sent_bytes = self._send(self._sock, data)
        if sent_bytes < len(data):
            self._unsent += data[sent_bytes:]
            self._set_writing(True)

    def write_eof(self) -> None:
        """End the stream after the unsent data; close if the other side has ended too."""
        self._eof_to_send = True
        self._flush()

    def reset(self) -> None:
        """Break the connection now and drop unsent data, so that the other side sees a reset."""
        if self._sock is not None:
            _reset_on_close(self._sock)
        self._close(broken=False)

    def _readable(self) -> None:
        assert self._sock is not None
        try:
            data, arrived_ns = read_with_arrival(self._sock, _READ_BYTES)
        except BlockingIOError:
            return
        if data is None:
            self._close(broken=True)
            return
        if data:
            self._user.received(data, arrived_ns)
            return
        self.set_reading(False)
        self._got_eof = True
        self._user.ended(arrived_ns)
        self._close_when_both_ended()

    def _flush(self) -> None:
        if self._sock is None:
            return
        if self._unsent:
            del self._unsent[: self._send(self._sock, self._unsent)]
        if self._closed:
            return
        self._set_writing(bool(self._unsent))
        if self._eof_to_send and not self._unsent and not self._sent_eof:
            self._sent_eof = True
            with contextlib.suppress(OSError):  # a broken connection shows when it is read
                self._sock.shutdown(socket.SHUT_WR)
            self._close_when_both_ended()

    def _send(self, sock: socket.socket, data: bytes | bytearray) -> int:
        """Send and return the number of bytes sent; all of them if the connection is broken, which drops them."""
        try:
            sent_bytes = sock.send(data)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError:
            self._close(broken=True)
            return len(data)
        self._user.sent(sent_bytes)
        return sent_bytes

    def _set_writing(self, wanted: bool) -> None:
        if self._sock is None or wanted == self._writing:
            return
        self._writing = wanted
        if wanted:
            self._loop.add_writer(self._sock.fileno(), self._flush)
        else:
            self._loop.remove_writer(self._sock.fileno())

    def _close_when_both_ended(self) -> None:
        if self._got_eof and self._sent_eof:
            self._close(broken=False)

    def _close(self, broken: bool) -> None:
        if self._closed:
            return
        self.set_reading(False)
        self._set_writing(False)
        self._closed = True
        if self._sock is not None:
            self._sock.close()
            self._sock = None
        self._unsent.clear()
        self._user.closed(broken)


def _reset_on_close(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
