"""Sockets read together: how clients that only listen are read where the kernel stamps what arrives.

An event that goes out to a thousand clients would wake the load process a thousand times, and each time cost more to
wake it (the sender's interrupt to the other core included) than to read the delivery. The arrival is known from the
kernel's stamp all the same, so nothing is gained by haste: once readings follow each other closely, the next one waits
until the last is `spacing_ns` old, and takes all that has come meanwhile. What comes alone is read at once.
"""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from gevent.monkey import get_original

from loadtests.load.connection import Connection
from loadtests.load.deadlines import Deadlines

_READ, _WRITE = 1, 2
_SOMETHING_CAME, _PEER_ENDED = 0x001, 0x2000
"""EPOLLIN and EPOLLRDHUP."""
_NEWS = _SOMETHING_CAME | _PEER_ENDED | 1 << 31
"""EPOLLET: told once, when it comes. Else the kernel would ask each socket again after it was read."""
_AT_ONCE = 512
"""Reads in a row, some milliseconds; then whatever else is due has its turn."""
_LONGEST_SPACING_NS = 2_000_000
_FAN_OUT_NS_PER_CLIENT = 10_000
"""About what a server takes to write one delivery: waiting for longer than the whole fan-out gathers nothing."""
_READ_TOGETHER_RATIO = 0.01


def longest_unread_ns(due_offsets_ns: Sequence[int], clients: int) -> int:
    """How long deliveries of a stream to so many clients may stay unread without any harm; 0: read each at once.

    Two events that are read together have one stamp, the later one's. So of all events hardly any (one in a hundred)
    may be followed by another within that time. Nor is it done where there is no epoll, nor a stamp by the kernel.
    """
    if sys.platform != "linux":
        return 0
    gaps_ns = sorted(after - before for before, after in itertools.pairwise(due_offsets_ns))
    shortest_ns = gaps_ns[int(len(gaps_ns) * _READ_TOGETHER_RATIO)] if gaps_ns else _LONGEST_SPACING_NS
    return max(0, min(_LONGEST_SPACING_NS, shortest_ns, clients * _FAN_OUT_NS_PER_CLIENT))


class GatheredReads:
    """Calls `read` for each of its connections that has something to read, and again where there may be more."""

    def __init__(self, loop: Any, deadlines: Deadlines, spacing_ns: int, read: Callable[[Connection], bool]) -> None:
        """`read` reads once, and says whether it got as much as it could take."""
        self._deadlines = deadlines
        self._spacing_ns = spacing_ns
        self._read = read
        self._connections: list[Connection | None] = []
        """At their sockets' descriptors: a dictionary would reach for three more places in memory, all of them cold."""
        # gevent takes it away under Locust, because it waits; here it is only asked.
        self._ready = get_original("select", "epoll")()
        self._watcher = loop.io(self._ready.fileno(), _READ)
        self._watcher.start(self._something_came)
        # Never called. With it libev keeps the set in its own while the other watcher is stopped: to take it out and in
        # again, the kernel walks over all sockets of the set.
        self._keeper = loop.io(self._ready.fileno(), _WRITE)
        self._keeper.start(self._something_came)
        self._unread_until_ns: int | None = None
        """Until then what comes waits; None: it is read at once."""

    def add(self, connection: Connection) -> None:
        """Read this connection's socket from now on."""
        assert connection.sock is not None
        descriptor = connection.sock.fileno()
        self._connections += [None] * (descriptor + 1 - len(self._connections))
        self._connections[descriptor] = connection
        self._ready.register(descriptor, _NEWS)

    def discard(self, connection: Connection) -> None:
        """Read it no more; nothing happens where it was not to be read. Its socket is still open."""
        if connection.sock is not None and self._reads(descriptor := connection.sock.fileno()):
            self._connections[descriptor] = None
            self._ready.unregister(descriptor)

    def close(self) -> None:
        """Read nothing any more."""
        for watcher in (self._watcher, self._keeper):
            watcher.stop()
            watcher.close()
        self._ready.close()

    def _something_came(self) -> None:
        until_ns = self._unread_until_ns
        if until_ns is not None and time.monotonic_ns() < until_ns:
            self._watcher.stop()
            self._deadlines.call_at(until_ns, GatheredReads._waited, self)
        else:
            self._read_what_came()

    def _waited(self, _due_ns: int, now_ns: int) -> None:
        if self._read_what_came():
            until_ns = self._unread_until_ns
            self._deadlines.call_at(now_ns if until_ns is None else until_ns, GatheredReads._waited, self)
        else:
            self._watcher.start(self._something_came)

    def _ask_again(self, descriptor: int) -> None:
        """Be told once more if there is anything to read: a full read may have left data, any read the stream's end."""
        if self._reads(descriptor):
            self._ready.modify(descriptor, _NEWS)

    def _reads(self, descriptor: int) -> bool:
        return descriptor < len(self._connections) and self._connections[descriptor] is not None

    def _read_what_came(self) -> int:
        """How many connections had something to read."""
        ready = self._ready.poll(0, _AT_ONCE)
        connections, read = self._connections, self._read
        for descriptor, news in ready:
            connection = connections[descriptor]
            # Reading one client may have closed another: in a test they share a server that goes away.
            if connection is not None and (read(connection) or news != _SOMETHING_CAME):
                self._ask_again(descriptor)
        more_is_there = len(ready) == _AT_ONCE
        self._unread_until_ns = None if more_is_there else time.monotonic_ns() + self._spacing_ns
        return len(ready)
