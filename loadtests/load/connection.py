"""The connection of one client: its present socket with watchers and deadlines, and counters over all its sockets."""

from __future__ import annotations

import socket
from typing import Any

from contract.records import NO_TIME_NS
from loadtests.clients.base import Client
from system.tcp_info import SocketCounters, read_counters

_NOTHING = SocketCounters(0, 0, 0, 0)


class Connection:
    """A client's present socket, and the counters over all its sockets."""

    __slots__ = (
        "armed_later_ns",
        "armed_ns",
        "client",
        "closed_counters",
        "connect_start_ns",
        "open",
        "read_watcher",
        "ready_ns",
        "sock",
        "user_down_bytes",
        "user_up_bytes",
        "write_watcher",
    )

    def __init__(self, client: Client) -> None:
        self.client = client
        self.sock: socket.socket | None = None
        self.open = False
        self.read_watcher: Any = None
        self.write_watcher: Any = None
        self.armed_ns: int | None = None
        """The earliest deadline that is set for this client."""
        self.armed_later_ns: int | None = None
        """The deadline after that one."""
        self.connect_start_ns: int | None = None
        self.ready_ns: int | None = None
        self.closed_counters = _NOTHING
        self.user_up_bytes = 0
        self.user_down_bytes = 0

    def row(self) -> tuple[int, int, int, int, int]:
        """Return its client's row of the clients table."""
        client = self.client
        connect_start_ns, ready_ns = _recorded(self.connect_start_ns), _recorded(self.ready_ns)
        return client.index, client.setup.phase_ns, connect_start_ns, ready_ns, client.cut_off

    def counters(self, by_kernel: bool) -> SocketCounters:
        """Return the counters of all its sockets so far: the kernel's, or the bytes read and written."""
        if not by_kernel:
            return SocketCounters(self.user_up_bytes, self.user_down_bytes, -1, -1)
        if self.sock is None or not self.open:
            return self.closed_counters
        counted = read_counters(self.sock)
        return counted if self.closed_counters is _NOTHING else self.closed_counters.plus(counted)


def _recorded(at_ns: int | None) -> int:
    return NO_TIME_NS if at_ns is None else at_ns
