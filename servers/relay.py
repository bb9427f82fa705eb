"""A TCP relay that makes one machine's loopback as slow as a network, without privileges.

Every chunk, end of stream and reset is passed on after the one-way delay, in order. The kernel accepts a connection
at once, whatever the network would have taken: in place of the handshake's round trip, what a client sends first is
held for one round trip more.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import cast

from servers.delay_line import DelayLine

_NS_PER_MS = 1_000_000
MAX_IN_FLIGHT_BYTES = 1024 * 1024
"""Of one direction of one connection; beyond it the sender is read no further, as with a full TCP window."""

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class RelayAccount:
    """What a relay did and how exactly; the JSON it prints at its end has the same names."""

    one_way_delay_ms: float
    connections: int
    up_bytes: int
    """From clients to the server."""
    down_bytes: int
    chunks: int
    lateness_us: dict[str, int | None]
    """`p50`, `p99`, `max` of actual − scheduled time of passing on; None where nothing was passed on."""


@dataclass(slots=True)
class Received:
    """What came in on one side of one connection."""

    bytes: int = 0
    chunks: int = 0


class _End(asyncio.Protocol):
    """One of the two sockets of a relayed connection."""

    def __init__(self, relay: DelayRelay, first_hold_ns: int) -> None:
        self._relay = relay
        self._hold_ns = first_hold_ns
        self._last_due_ns = 0
        self._transport: asyncio.Transport | None = None
        self._before_connect: list[Callable[[], None]] = []
        self._in_flight_bytes = 0
        self._peer_full = False
        self._got_eof = False
        self._sent_eof = False
        self.peer: _End
        self.received = Received()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance
        self._relay.ends.add(self)
        for action in self._before_connect:
            action()
        self._before_connect.clear()

    def data_received(self, data: bytes) -> None:
        self.received.bytes += len(data)
        self.received.chunks += 1
        self._in_flight_bytes += len(data)
        self._later(partial(self._pass_on, data))
        self._pace_reading()

    def eof_received(self) -> bool:
        self._got_eof = True
        self._later(self.peer.write_eof)
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self._relay.ends.discard(self)
        if exc is not None:
            self._later(self.peer.reset)

    def pause_writing(self) -> None:
        self.peer.set_peer_full(True)

    def resume_writing(self) -> None:
        self.peer.set_peer_full(False)

    def set_peer_full(self, full: bool) -> None:
        """The other socket takes no more (or again) of what is read here."""
        self._peer_full = full
        self._pace_reading()

    def write(self, data: bytes) -> None:
        """Send now, or as soon as connected."""
        if self._transport is None:
            self._before_connect.append(partial(self.write, data))
        elif not self._transport.is_closing():
            self._transport.write(data)

    def write_eof(self) -> None:
        """Send the end of the stream now, or as soon as connected; close where the other way has ended too."""
        if self._transport is None:
            self._before_connect.append(self.write_eof)
        elif not self._transport.is_closing():
            self._sent_eof = True
            self._transport.write_eof()
            self._close_when_both_ended()
            self.peer._close_when_both_ended()

    def reset(self) -> None:
        """Break the connection now, unsent data included, so that the other side sees a reset."""
        if self._transport is None:
            self._before_connect.append(self.reset)
        elif not self._transport.is_closing():
            with contextlib.suppress(OSError):
                sock = self._transport.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            self._transport.abort()

    def _later(self, action: Callable[[], None]) -> None:
        due_ns = time.monotonic_ns() + self._relay.delay_ns + self._hold_ns
        self._hold_ns = 0
        self._last_due_ns = max(due_ns, self._last_due_ns)
        self._relay.line.schedule(self._last_due_ns, action)

    def _pass_on(self, data: bytes) -> None:
        self._in_flight_bytes -= len(data)
        self.peer.write(data)
        self._pace_reading()

    def _pace_reading(self) -> None:
        if self._transport is None or self._transport.is_closing() or self._got_eof:
            return
        full = self._peer_full or self._in_flight_bytes > MAX_IN_FLIGHT_BYTES
        if full and self._transport.is_reading():
            self._transport.pause_reading()
        elif not full and not self._transport.is_reading():
            self._transport.resume_reading()

    def _close_when_both_ended(self) -> None:
        if self._got_eof and self._sent_eof and self._transport is not None:
            self._transport.close()


class DelayRelay:
    """Relays every connection to `upstream`, each direction delayed by `one_way_delay_ms`."""

    def __init__(self, upstream: tuple[str, int], one_way_delay_ms: float) -> None:
        self.upstream = upstream
        self.one_way_delay_ms = one_way_delay_ms
        self.delay_ns = round(one_way_delay_ms * _NS_PER_MS)
        self.line: DelayLine
        self.ends: set[_End] = set()
        self.received: list[tuple[Received, Received]] = []
        """Of every connection so far: from its client, and from the server."""
        self._server: asyncio.Server | None = None
        self._connecting: set[asyncio.Task[None]] = set()

    async def start(self, listener: socket.socket) -> None:
        """Relay what connects to a listening socket."""
        loop = asyncio.get_running_loop()
        self.line = DelayLine(loop)
        self._server = await loop.create_server(self._accept, sock=listener)

    async def stop(self) -> RelayAccount:
        """Break all connections; the account of all that was relayed."""
        if self._server is not None:
            self._server.close()
        for task in self._connecting:
            task.cancel()
        account = self.account()
        self.line.close()
        for end in list(self.ends):
            end.reset()
        return account

    def account(self) -> RelayAccount:
        """What was relayed so far."""
        return RelayAccount(
            one_way_delay_ms=self.one_way_delay_ms,
            connections=len(self.received),
            up_bytes=sum(up.bytes for up, _ in self.received),
            down_bytes=sum(down.bytes for _, down in self.received),
            chunks=sum(up.chunks + down.chunks for up, down in self.received),
            lateness_us=self.line.lateness.summary_us(),
        )

    def _accept(self) -> _End:
        client, server = _End(self, 2 * self.delay_ns), _End(self, 0)
        client.peer, server.peer = server, client
        self.received.append((client.received, server.received))
        task = asyncio.get_running_loop().create_task(self._connect(client, server))
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)
        return client

    async def _connect(self, client: _End, server: _End) -> None:
        try:
            await asyncio.get_running_loop().create_connection(lambda: server, *self.upstream)
        except OSError:
            self.line.schedule(time.monotonic_ns() + 2 * self.delay_ns, client.reset)


async def relay_until_signalled(
    relay: DelayRelay, listener: socket.socket, on_ready: Callable[[], None]
) -> RelayAccount:
    """Relay until SIGINT or SIGTERM."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await relay.start(listener)
    on_ready()
    await stop.wait()
    return await relay.stop()
