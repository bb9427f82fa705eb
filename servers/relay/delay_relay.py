"""A TCP relay that gives the loopback of one machine the delay of a network, without privileges.

Every chunk, end of stream and reset is passed on after the one-way delay, in order. The delay of a chunk counts from
its arrival in the kernel: the time that this process took to wake up and read it adds nothing. The kernel accepts a
connection at once, whatever the delay of the network: in place of the handshake's round trip, what a client sends
within one round trip of its connection is held until that has passed, as if it could not have been sent sooner.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from servers.relay.delay_line import DelayLine
from servers.relay.stamped_socket import RelaySocket
from system.kernel_stamps import enable_stamps

_NS_PER_MS = 1_000_000
MAX_IN_FLIGHT_BYTES = 1024 * 1024
"""Limit for one direction of one connection; beyond it the sender is read no further, as with a full TCP window."""

_ACCEPTS_AT_ONCE = 16
"""Number of connections accepted in a row before chunks that are due are passed on."""
_ACCEPT_AGAIN_S = 0.1

_Address = tuple[int, int, int, str, Any]
"""An address as `getaddrinfo` returns it."""


@dataclass(frozen=True, slots=True)
class RelayStatistics:
    """The statistics of a relay, printed as JSON at its end."""

    one_way_delay_ms: float
    connections: int
    up_bytes: int
    """Bytes from clients to the server."""
    down_bytes: int
    chunks: int
    lateness_us: dict[str, int | None]
    """`p50`, `p99`, `max` of actual − scheduled time of passing on; None if nothing was passed on."""


@dataclass(slots=True)
class Received:
    """The data received on one side of one connection."""

    bytes: int = 0
    chunks: int = 0


class RelayObserver(Protocol):
    """Callbacks for each relayed connection, with the client address that the server sees."""

    def connected(self, address: tuple[str, int], up: Received, down: Received) -> None:
        """Handle a new connection to the server, before any data; the two counts keep counting."""

    def disconnected(self, address: tuple[str, int]) -> None:
        """Handle the end of a connection: both its sockets are closed."""


class RelayTap(Protocol):
    """Receives a copy of the data of one relayed connection."""

    def connected(self, address: tuple[str, int]) -> None:
        """Handle a connection that the server sees come from this address."""

    def passed(self, direction: str, data: bytes, arrived_ns: int) -> None:
        """Handle received data, `up` from the client or `down` from the server; empty data ends that stream."""

    def disconnected(self, address: tuple[str, int]) -> None:
        """Handle the end of the connection: both its sockets are closed."""


class _End:
    """One of the two sockets of a relayed connection, and the delay of the data it receives."""

    def __init__(self, relay: DelayRelay, connected_ns: int, hold_ns: int) -> None:
        self._relay = relay
        self._connected_ns = connected_ns
        self._hold_ns = hold_ns
        self._last_due_ns: int | None = None
        self._in_flight_bytes = 0
        self.peer: _End
        self.address: tuple[str, int] | None = None
        """The client address that the server sees, once it is connected; the same at both ends."""
        self.counted = Received()
        self.on_data: Callable[[bytes, int], None] | None = None
        self.tap: RelayTap | None = None
        """The receiver of a copy of the data; the same at both ends."""
        self.socket = RelaySocket(relay.loop, self)
        relay.ends.add(self)

    def received(self, data: bytes, arrived_ns: int) -> None:
        self.counted.bytes += len(data)
        self.counted.chunks += 1
        if self.on_data is not None:
            self.on_data(data, arrived_ns)
        # A connection may be accepted late, but no data is older than its connection.
        self._connected_ns = min(self._connected_ns, arrived_ns)
        self._later(arrived_ns, partial(self.peer.socket.write, data))
        self._in_flight_bytes += len(data)
        if self._in_flight_bytes > MAX_IN_FLIGHT_BYTES:
            self.socket.set_reading(False)

    def ended(self, arrived_ns: int) -> None:
        if self.on_data is not None:
            self.on_data(b"", arrived_ns)
        self._later(arrived_ns, self.peer.socket.write_eof)

    def sent(self, sent_bytes: int) -> None:
        self.peer._passed_on(sent_bytes)

    def closed(self, broken: bool) -> None:
        self._relay.ends.discard(self)
        if self.address is not None and self.peer not in self._relay.ends:
            if self._relay.observer is not None:
                self._relay.observer.disconnected(self.address)
            if self.tap is not None:
                self.tap.disconnected(self.address)
        if broken:
            self._later(time.monotonic_ns(), self.peer.socket.reset)

    def _later(self, arrived_ns: int, action: Callable[[], None]) -> None:
        due_ns = max(arrived_ns, self._connected_ns + self._hold_ns) + self._relay.delay_ns
        if self._last_due_ns is not None:
            due_ns = max(due_ns, self._last_due_ns)
        self._last_due_ns = due_ns
        self._relay.line.schedule(due_ns, action)

    def _passed_on(self, sent_bytes: int) -> None:
        self._in_flight_bytes -= sent_bytes
        if self._in_flight_bytes <= MAX_IN_FLIGHT_BYTES:
            self.socket.set_reading(True)


class DelayRelay:
    """Relays every connection to `upstream`, each direction delayed by `one_way_delay_ms`.

    New connections beyond `max_connections` are closed at once.
    """

    def __init__(
        self,
        upstream: tuple[str, int],
        one_way_delay_ms: float,
        observer: RelayObserver | None = None,
        max_connections: int | None = None,
        tap: Callable[[], RelayTap] | None = None,
    ) -> None:
        self.upstream = upstream
        self.observer = observer
        self._max_connections = max_connections
        self._tap = tap
        self.set_delay(one_way_delay_ms)
        self.loop: asyncio.AbstractEventLoop
        self.line: DelayLine
        self.ends: set[_End] = set()
        self.received: list[tuple[Received, Received]] = []
        """Counts of every connection so far: from its client, and from the server."""
        self._listener: socket.socket | None = None
        self._upstream_addresses: Sequence[_Address] = ()
        self._connecting: set[asyncio.Task[None]] = set()

    def set_delay(self, one_way_delay_ms: float) -> None:
        """Set the delay of all that arrives from now on; data under way keeps its own, and nothing overtakes it."""
        self.one_way_delay_ms = one_way_delay_ms
        self.delay_ns = round(one_way_delay_ms * _NS_PER_MS)

    async def start(self, listener: socket.socket) -> None:
        """Relay the connections of a listening socket, which the relay closes when it stops."""
        self.loop = asyncio.get_running_loop()
        self.line = DelayLine(self.loop)
        self._listener = listener
        listener.setblocking(False)
        enable_stamps(listener)
        self._set_accepting(True)

    async def stop(self) -> RelayStatistics:
        """Reset all connections, and return the statistics of all that was relayed."""
        self._set_accepting(False)
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        for task in self._connecting:
            task.cancel()
        statistics = self.statistics()
        self.line.close()
        for end in list(self.ends):
            end.socket.reset()
        return statistics

    def statistics(self) -> RelayStatistics:
        """Return the statistics so far."""
        return RelayStatistics(
            one_way_delay_ms=self.one_way_delay_ms,
            connections=len(self.received),
            up_bytes=sum(up.bytes for up, _ in self.received),
            down_bytes=sum(down.bytes for _, down in self.received),
            chunks=sum(up.chunks + down.chunks for up, down in self.received),
            lateness_us=self.line.lateness.summary_us(),
        )

    def _set_accepting(self, wanted: bool) -> None:
        if self._listener is None:
            return
        if wanted:
            self.loop.add_reader(self._listener.fileno(), self._acceptable)
        else:
            self.loop.remove_reader(self._listener.fileno())

    def _acceptable(self) -> None:
        assert self._listener is not None
        try:
            for _ in range(_ACCEPTS_AT_ONCE):
                sock, _ = self._listener.accept()
                sock.setblocking(False)
                if self._max_connections is not None and len(self.ends) >= 2 * self._max_connections:
                    sock.close()
                else:
                    self._accept(sock)
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return
        except OSError:
            # Out of descriptors or memory: new connections wait in the backlog meanwhile.
            self._set_accepting(False)
            self.loop.call_later(_ACCEPT_AGAIN_S, self._set_accepting, True)

    def _accept(self, sock: socket.socket) -> None:
        now_ns = time.monotonic_ns()
        client, server = _End(self, now_ns, 2 * self.delay_ns), _End(self, now_ns, 0)
        client.peer, server.peer = server, client
        if self._tap is not None:
            client.tap = server.tap = tap = self._tap()
            client.on_data, server.on_data = partial(tap.passed, "up"), partial(tap.passed, "down")
        self.received.append((client.counted, server.counted))
        client.socket.attach(sock)
        task = self.loop.create_task(self._connect(client, server))
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)

    async def _connect(self, client: _End, server: _End) -> None:
        try:
            sock = await self._connected_upstream()
        except OSError:
            self.line.schedule(time.monotonic_ns() + 2 * self.delay_ns, client.socket.reset)
            return
        if server in self.ends:
            client.address = server.address = address = sock.getsockname()[:2]
            if self.observer is not None:
                self.observer.connected(address, client.counted, server.counted)
            if client.tap is not None:
                client.tap.connected(address)
        server.socket.attach(sock)

    async def _connected_upstream(self) -> socket.socket:
        """Return a socket connected to the first upstream address that answers; raise OSError if none does."""
        if not self._upstream_addresses:
            self._upstream_addresses = await self.loop.getaddrinfo(*self.upstream, type=socket.SOCK_STREAM)
        refusal = OSError("no address")
        for family, kind, protocol, _, address in self._upstream_addresses:
            sock = socket.socket(family, kind, protocol)
            sock.setblocking(False)
            try:
                await self.loop.sock_connect(sock, address)
            except OSError as error:
                sock.close()
                refusal = error
            except asyncio.CancelledError:
                sock.close()
                raise
            else:
                return sock
        raise refusal


async def relay_until_signalled(
    relay: DelayRelay, listener: socket.socket, on_ready: Callable[[], None]
) -> RelayStatistics:
    """Relay until SIGINT or SIGTERM, and return the statistics."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await relay.start(listener)
    on_ready()
    await stop.wait()
    return await relay.stop()
