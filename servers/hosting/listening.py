"""Listening on a port before anything else is started, so that an error is reported at once and in one sentence."""

from __future__ import annotations

import errno
import os
import socket
import sys
from typing import Any

BACKLOG = 16_384
_NO_SUCH_ADDRESS = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
"""Errors of an address that this machine does not have: its names may have IPv6 addresses even if it has no IPv6."""


class StartError(Exception):
    """A server cannot start: one clear sentence for the user."""


def listen(host: str, port: int) -> socket.socket:
    """Return a listening TCP socket on the first address of the host that this machine has; port 0 means any free one.

    StartError if that fails. If the port is in use, other addresses of the host are not tried, as clients would connect
    to the process that uses it.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise StartError(f"cannot listen on host {host!r}: {getattr(error, 'strerror', None) or error}") from error
    refusal: OSError | None = None
    for family, kind, protocol, _, address in found:
        try:
            return _listen_at(family, kind, protocol, address)
        except OSError as error:
            refusal = refusal or error
            if error.errno not in _NO_SUCH_ADDRESS:
                break
    assert refusal is not None
    if refusal.errno == errno.EADDRINUSE:
        raise StartError(
            f"port {port} on {host} is already in use: stop what listens there or give another --port"
        ) from refusal
    raise StartError(f"cannot listen on {host} port {port}: {refusal.strerror}") from refusal


def _listen_at(
    family: socket.AddressFamily, kind: socket.SocketKind, protocol: int, address: tuple[Any, ...]
) -> socket.socket:
    listener = socket.socket(family, kind, protocol)
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    listener.setblocking(False)
    return listener


def listen_together(host: str, port: int, number: int) -> list[socket.socket]:
    """Return listening sockets on one port, one for each of several processes; StartError if that fails.

    On Linux each has a queue of its own, and the kernel distributes new connections among them (SO_REUSEPORT). If
    processes shared a socket, the first to wake would accept all waiting connections. Elsewhere they have to share one.
    """
    first = listen(host, port)
    if not sys.platform.startswith("linux"):
        return [first] + [first.dup() for _ in range(number - 1)]
    # The first socket only proves that no other process listens there: sockets that share a port would not notice.
    address, family = first.getsockname(), first.family
    first.close()
    listeners: list[socket.socket] = []
    try:
        for _ in range(number):
            listeners.append(socket.socket(family, socket.SOCK_STREAM))
            listeners[-1].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            listeners[-1].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listeners[-1].bind(address)
            listeners[-1].listen(BACKLOG)
            listeners[-1].setblocking(False)
    except OSError as error:
        for listener in listeners:
            listener.close()
        raise StartError(f"cannot listen on {host} port {address[1]}: {error.strerror}") from error
    return listeners
