"""Micro-benchmarks of the servers' hot paths: our code, the framework's and uvicorn's, without a kernel or a network.

A fan-out benchmark measures one event to all of `CLIENTS`; a poll benchmark measures `POLLS` polls.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
import uvloop
from pytest_benchmark.fixture import BenchmarkFixture

from contract import wire
from contract.parameters import DEFAULTS, SERVER_OPTIONS
from servers.events.log import EventLog
from servers.events.waiters import Waiter, Waiters
from servers.hosting.building import make_app, make_hub
from servers.hosting.http_protocol import HttpProtocol, ServerState
from servers.hosting.options import ServerOptions
from servers.hosting.websocket_protocol import WebSocketProtocol
from servers.transports import framing

CLIENTS = 200
POLLS = 100
PAYLOAD = "x" * 100
_WRITES_PER_ANSWER = 2
"""The head and the body."""
UPGRADE = (
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


class Wire(asyncio.Transport):
    """A connection that accepts everything at once and counts the writes."""

    def __init__(self) -> None:
        super().__init__()
        self.writes = 0
        self.protocol: asyncio.BaseProtocol | None = None

    def write(self, data: bytes | bytearray | memoryview[int]) -> None:
        self.writes += 1

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol

    def is_closing(self) -> bool:
        return False

    def close(self) -> None:
        pass

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


class Bench:
    """A server without sockets in a loop of its own."""

    def __init__(self, stack: str) -> None:
        chosen = {name: DEFAULTS[name] for name in SERVER_OPTIONS} | {"stack": stack}
        options = ServerOptions(("websocket", "sse", "polling"), history=1000, faults=(), trace=False, **chosen)
        self.hub = make_hub(options)
        self._config = uvicorn.Config(
            make_app(options, self.hub),
            http=HttpProtocol,
            ws=WebSocketProtocol,
            ws_per_message_deflate=False,
            ws_ping_interval=None,
            access_log=False,
            log_config=None,
        )
        self._config.load()
        self._state = ServerState(self.hub.client_errors)
        self._runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)

    def close(self) -> None:
        async def closed() -> None:
            self.hub.log.close()

        self._runner.run(closed())
        self._runner.close()

    def connect(self, path: str, headers: str = "", clients: int = CLIENTS) -> list[Wire]:
        """Return clients that have requested `path`, once all of them wait for an event."""

        async def connected() -> list[Wire]:
            wires = [self._send(f"GET {path} HTTP/1.1\r\nHost: test\r\n{headers}\r\n".encode()) for _ in range(clients)]
            while self.hub.log.waiting < clients:
                await asyncio.sleep(0)
            return wires

        return self._runner.run(connected())

    def publish(self, wires: list[Wire]) -> None:
        """Publish one event, and wait until it is written to all clients and all wait for the next."""

        async def published() -> None:
            expected = sum(wire.writes for wire in wires) + len(wires)
            self.hub.log.append(1_000_000_000, 1_000_000_100, PAYLOAD)
            while sum(wire.writes for wire in wires) < expected or self.hub.log.waiting < len(wires):
                await asyncio.sleep(0)

        self._runner.run(published())

    def hold(self, wires: list[Wire], path: str) -> None:
        """Hold a poll of every client, and publish the event that answers all of them."""

        async def held() -> None:
            request = f"GET {path} HTTP/1.1\r\nHost: test\r\n\r\n".encode()
            expected = sum(wire.writes for wire in wires) + _WRITES_PER_ANSWER * len(wires)
            for protocol in [connection.protocol for connection in wires]:
                assert isinstance(protocol, asyncio.Protocol)
                protocol.data_received(request)
            while self.hub.log.waiting < len(wires):
                await asyncio.sleep(0)
            self.hub.log.append(1_000_000_000, 1_000_000_100, PAYLOAD)
            while sum(wire.writes for wire in wires) < expected:
                await asyncio.sleep(0)

        self._runner.run(held())

    def poll(self, path: str) -> None:
        """Send POLLS polls, one after the other."""

        async def polled() -> None:
            request = f"GET {path} HTTP/1.1\r\nHost: test\r\n\r\n".encode()
            for _ in range(POLLS):
                wire = self._send(request)
                while not wire.writes:
                    await asyncio.sleep(0)

        self._runner.run(polled())

    def _send(self, request: bytes) -> Wire:
        wire = Wire()
        protocol = HttpProtocol(self._config, self._state, {}, asyncio.get_running_loop())
        wire.set_protocol(protocol)
        protocol.connection_made(wire)
        protocol.data_received(request)
        return wire


@pytest.fixture(params=["fastapi", "asgi"])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    made = Bench(request.param)
    yield made
    made.close()


def test_websocket_fan_out(benchmark: BenchmarkFixture, bench: Bench) -> None:
    benchmark(bench.publish, bench.connect(f"{wire.WEBSOCKET_PATH}?after=0", UPGRADE))


def test_sse_fan_out(benchmark: BenchmarkFixture, bench: Bench) -> None:
    benchmark(bench.publish, bench.connect(f"{wire.SSE_PATH}?after=0"))


def test_held_polls(benchmark: BenchmarkFixture, bench: Bench) -> None:
    path = f"{wire.LONG_POLL_PATH}?cursor=none&hold_ms=30000"
    wires = bench.connect(path)
    bench.hub.log.append(1_000_000_000, 1_000_000_100, PAYLOAD)
    benchmark(bench.hold, wires, path)


def test_short_polls(benchmark: BenchmarkFixture, bench: Bench) -> None:
    bench.hub.log.append(1_000_000_000, 1_000_000_100, PAYLOAD)
    benchmark(bench.poll, f"{wire.SHORT_POLL_PATH}?after=0")


def test_empty_short_polls(benchmark: BenchmarkFixture, bench: Bench) -> None:
    benchmark(bench.poll, f"{wire.SHORT_POLL_PATH}?after=0")


class Again(Waiter):
    """Waits for the next event as soon as it is woken."""

    def __init__(self, waiters: Waiters) -> None:
        super().__init__()
        self._waiters = waiters

    def wake(self) -> None:
        self._waiters.add(self)


def test_waking_and_shuffling(benchmark: BenchmarkFixture) -> None:
    waiters = Waiters()
    for _ in range(CLIENTS):
        waiters.add(Again(waiters))

    async def woken() -> None:
        waiters.wake_all()
        while waiters.waking:
            await asyncio.sleep(0)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        benchmark(lambda: runner.run(woken()))
    assert len(waiters) == CLIENTS


@pytest.mark.parametrize("frame", [framing.websocket_frame, framing.sse_chunk])
def test_encoding_and_framing_an_event(benchmark: BenchmarkFixture, frame: Any) -> None:
    log = EventLog()

    def framed() -> bytes:
        encoded: bytes = log.append(1_000_000_000, 1_000_000_100, PAYLOAD).framed(frame)
        return encoded

    assert benchmark(framed)
