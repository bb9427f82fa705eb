"""Reads of many sockets together, for clients that only listen, if the kernel stamps arrivals.

An event that is sent to a thousand clients would wake the load process a thousand times, and waking it (the sender's
interrupt to the other core included) costs more than reading the delivery. Since the kernel stamps the arrival, nothing
is gained by reading at once: when reads follow each other closely, the next one waits until the last is `spacing_ns`
old, and reads all that has arrived meanwhile. Single arrivals are read at once.
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
_READABLE, _PEER_ENDED = 0x001, 0x2000
"""EPOLLIN and EPOLLRDHUP."""
_EVENTS = _READABLE | _PEER_ENDED | 1 << 31
"""EPOLLET: an arrival is reported once. Otherwise the kernel would check each socket again after it was read."""
_AT_ONCE = 512
"""Number of reads in a row, which take some milliseconds, before other callbacks run."""
_LONGEST_SPACING_NS = 2_000_000
_FAN_OUT_NS_PER_CLIENT = 10_000
"""About the time in which a server writes one delivery; waiting for longer than a whole fan-out gains nothing."""
_READ_TOGETHER_RATIO = 0.01


def longest_unread_ns(due_offsets_ns: Sequence[int], clients: int) -> int:
    """Return how long, in ns, deliveries to this many clients may stay unread without harm; 0: read each at once.

    Two events that are read together have one stamp, the later one's. So hardly any events (one in a hundred) may be
    followed by another within that time. 0 also if there is no epoll, or no stamp by the kernel.
    """
    if sys.platform != "linux":
        return 0
    gaps_ns = sorted(after - before for before, after in itertools.pairwise(due_offsets_ns))
    shortest_ns = gaps_ns[int(len(gaps_ns) * _READ_TOGETHER_RATIO)] if gaps_ns else _LONGEST_SPACING_NS
    return max(0, min(_LONGEST_SPACING_NS, shortest_ns, clients * _FAN_OUT_NS_PER_CLIENT))


class GatheredReads:
    """Calls `read` for each connection that has data, and again if there may be more."""

    def __init__(self, loop: Any, deadlines: Deadlines, spacing_ns: int, read: Callable[[Connection], bool]) -> None:
        """Create the reads; `read` reads a connection once and returns whether there may be more data."""
        self._deadlines = deadlines
        self._spacing_ns = spacing_ns
        self._read = read
        self._connections: list[Connection | None] = []
        """By their sockets' descriptors: a dictionary would access three more places in memory, none of them cached."""
        # gevent removes epoll under Locust, because it blocks; here it is only polled.
        self._ready = get_original("select", "epoll")()
        self._watcher = loop.io(self._ready.fileno(), _READ)
        self._watcher.start(self._readable)
        # Never called. It keeps the set registered with libev while the other watcher is stopped: removing and adding
        # it would make the kernel walk over all sockets of the set.
        self._keeper = loop.io(self._ready.fileno(), _WRITE)
        self._keeper.start(self._readable)
        self._unread_until_ns: int | None = None
        """Arrivals wait until then; None: they are read at once."""

    def add(self, connection: Connection) -> None:
        """Read this connection's socket from now on."""
        assert connection.sock is not None
        descriptor = connection.sock.fileno()
        self._connections += [None] * (descriptor + 1 - len(self._connections))
        self._connections[descriptor] = connection
        self._ready.register(descriptor, _EVENTS)

    def discard(self, connection: Connection) -> None:
        """Stop reading this connection, if it is read here. Its socket is still open."""
        if connection.sock is not None and self._reads(descriptor := connection.sock.fileno()):
            self._connections[descriptor] = None
            self._ready.unregister(descriptor)

    def close(self) -> None:
        """Stop reading."""
        for watcher in (self._watcher, self._keeper):
            watcher.stop()
            watcher.close()
        self._ready.close()

    def _readable(self) -> None:
        until_ns = self._unread_until_ns
        if until_ns is not None and time.monotonic_ns() < until_ns:
            self._watcher.stop()
            self._deadlines.call_at(until_ns, GatheredReads._waited, self)
        else:
            self._read_all()

    def _waited(self, _due_ns: int, now_ns: int) -> None:
        if self._read_all():
            until_ns = self._unread_until_ns
            self._deadlines.call_at(now_ns if until_ns is None else until_ns, GatheredReads._waited, self)
        else:
            self._watcher.start(self._readable)

    def _rearm(self, descriptor: int) -> None:
        """Make epoll report the socket again: a full read may have left data, and any read the stream's end."""
        if self._reads(descriptor):
            self._ready.modify(descriptor, _EVENTS)

    def _reads(self, descriptor: int) -> bool:
        return descriptor < len(self._connections) and self._connections[descriptor] is not None

    def _read_all(self) -> int:
        """Read all connections that have data, and return their number."""
        ready = self._ready.poll(0, _AT_ONCE)
        connections, read = self._connections, self._read
        for descriptor, events in ready:
            connection = connections[descriptor]
            # Reading one client may have closed another, such as in a test whose clients share a server that ends.
            if connection is not None and (read(connection) or events != _READABLE):
                self._rearm(descriptor)
        more = len(ready) == _AT_ONCE
        self._unread_until_ns = None if more else time.monotonic_ns() + self._spacing_ns
        return len(ready)
