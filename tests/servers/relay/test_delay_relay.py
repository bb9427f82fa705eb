from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import errno
import json
import os
import random
import signal
import socket
import struct
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import uvloop
from hypothesis import given, settings
from hypothesis import strategies as st

from servers.hosting.listening import listen
from servers.relay.delay_relay import DelayRelay, Received, _End
from tests.servers.conftest import PATIENCE_S, StartServer

pytestmark = pytest.mark.clocks

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    await closed(writer)


async def closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


@contextlib.asynccontextmanager
async def relayed(handler: Handler, delay_ms: float) -> AsyncIterator[tuple[DelayRelay, int]]:
    """A relay in front of a server of `handler`, and its port."""
    server = await asyncio.start_server(handler, "127.0.0.1", 0)
    relay = DelayRelay(server.sockets[0].getsockname()[:2], delay_ms)
    listener = listen("127.0.0.1", 0)
    await relay.start(listener)
    try:
        yield relay, listener.getsockname()[1]
    finally:
        await relay.stop()
        server.close()
        await server.wait_closed()


def in_uvloop(scenario: Awaitable[None]) -> None:
    async def within_patience() -> None:
        await asyncio.wait_for(scenario, PATIENCE_S)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(within_patience())


@settings(max_examples=15, deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=5000), min_size=1, max_size=20), st.sampled_from([0.0, 0.5, 2.0]))
def test_bytes_pass_unaltered_both_ways_however_they_are_cut(chunks: list[bytes], delay_ms: float) -> None:
    async def scenario() -> None:
        async with relayed(echo, delay_ms) as (relay, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            for chunk in chunks:
                writer.write(chunk)
                await asyncio.sleep(0)
            writer.write_eof()
            assert await reader.read() == b"".join(chunks)
            await closed(writer)
            total = sum(map(len, chunks))
            account = relay.statistics()
            assert (account.connections, account.up_bytes, account.down_bytes) == (1, total, total)
            assert [(up.bytes, down.bytes) for up, down in relay.received] == [(total, total)]

    in_uvloop(scenario())


def test_each_direction_takes_the_delay_and_the_first_data_a_round_trip_more() -> None:
    delay_ms = 10
    arrivals_s: list[float] = []

    async def stamp_and_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(100):
            arrivals_s.append(time.monotonic())
            writer.write(b"answer")
        await closed(writer)

    async def scenario() -> None:
        async with relayed(stamp_and_answer, delay_ms) as (relay, port):
            asked_s = time.monotonic()  # for a connection, and then for an answer
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            for transits in (3, 1, 1):
                writer.write(b"question")
                await reader.readexactly(len(b"answer"))
                assert arrivals_s[-1] - asked_s >= transits * delay_ms / 1000
                asked_s = time.monotonic()
                assert asked_s - arrivals_s[-1] >= delay_ms / 1000
            await closed(writer)
            assert relay.statistics().chunks == 6
            assert relay.line.lateness.count >= 6

    in_uvloop(scenario())


class RecordingLine:
    """A delay line that only notes when things would be due."""

    def __init__(self) -> None:
        self.due_ns: list[int] = []

    def schedule(self, due_ns: int, _action: Callable[[], None]) -> None:
        self.due_ns.append(due_ns)


def dues_ms(accepted_ms: int, arrivals_ms: list[int]) -> list[float]:
    """When a relay of 10 ms would pass on what arrives at these times on a connection accepted at that time."""
    relay, line = DelayRelay(("127.0.0.1", 1), 10), RecordingLine()
    relay.loop, relay.line = asyncio.new_event_loop(), line  # type: ignore[assignment]  # a line of the test's
    try:
        client, server = _End(relay, accepted_ms * 1_000_000, 2 * relay.delay_ns), _End(relay, 0, 0)
        client.peer, server.peer = server, client
        for arrived_ms in arrivals_ms:
            client.received(b"x", arrived_ms * 1_000_000)
    finally:
        relay.loop.close()
    return [due_ns / 1_000_000 for due_ns in line.due_ns]


@pytest.mark.parametrize(
    ("accepted_ms", "arrivals_ms", "expected_ms"),
    [
        (100, [100], [130]),
        (100, [115], [130]),
        (100, [100, 110, 119, 121], [130, 130, 130, 131]),
        (100, [98], [128]),  # accepted late: the connection is as old as its first data
        (100, [90, 90], [120, 120]),
    ],
)
def test_data_within_a_round_trip_of_connecting_is_held_until_that_is_over(
    accepted_ms: int, arrivals_ms: list[int], expected_ms: list[float]
) -> None:
    assert dues_ms(accepted_ms, arrivals_ms) == expected_ms


@given(st.lists(st.integers(120, 100_000), min_size=1, max_size=20).map(sorted))
def test_data_later_than_a_round_trip_after_connecting_takes_just_one_delay(arrivals_ms: list[int]) -> None:
    assert dues_ms(100, arrivals_ms) == [arrived_ms + 10 for arrived_ms in arrivals_ms]


def test_nothing_overtakes_what_came_before() -> None:
    assert dues_ms(0, [500, 499, 501]) == [510, 510, 511]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="kernel stamps are Linux's")
def test_the_delay_counts_from_the_kernels_arrival_not_from_the_reading() -> None:
    delay_ms, busy_s = 10, 0.06

    async def scenario() -> None:
        async with relayed(echo, delay_ms) as (relay, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"first")
            await reader.readexactly(5)
            os.write(writer.get_extra_info("socket").fileno(), b"second")  # at once, not in the loop's next turn
            time.sleep(busy_s)  # nothing is read meanwhile, the relay being in this loop too
            await reader.readexactly(6)
            assert relay.line.lateness.max_us >= (busy_s - delay_ms / 1000) * 1e6 - 1
            await closed(writer)

    in_uvloop(scenario())


def test_many_chunks_are_in_flight_at_once() -> None:
    """A delay is not a rate: fifty chunks sent within one transit all arrive one transit later."""
    delay_ms = 300

    async def scenario() -> None:
        async with relayed(echo, delay_ms) as (relay, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            start_s = time.monotonic()
            for _ in range(50):
                writer.write(b"x" * 10)
                await asyncio.sleep(0.001)
            await reader.readexactly(500)
            assert time.monotonic() - start_s < 50 * delay_ms / 1000
            await closed(writer)
            assert relay.statistics().chunks > 2

    in_uvloop(scenario())


def test_a_large_transfer_stays_bounded_and_whole() -> None:
    sent = random.Random(1).randbytes(8_000_000)

    async def scenario() -> None:
        async with relayed(echo, 1) as (_, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(sent)
            writer.write_eof()
            assert await reader.read() == sent
            await closed(writer)

    in_uvloop(scenario())


def test_a_receiver_that_does_not_read_stops_the_sender() -> None:
    sent_bytes = 0

    async def flood(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent_bytes
        with contextlib.suppress(ConnectionError):
            while True:
                writer.write(bytes(100_000))
                await writer.drain()
                sent_bytes += 100_000

    async def scenario() -> None:
        async with relayed(flood, 1) as (relay, port):
            with socket.socket() as client:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                client.connect(("127.0.0.1", port))
                before = -1
                while before <= 0 or relay.statistics().down_bytes != before:
                    before = relay.statistics().down_bytes
                    await asyncio.sleep(0.2)
                assert 0 < before < 50_000_000

    in_uvloop(scenario())


def test_a_reset_is_passed_on_after_the_delay() -> None:
    seen: asyncio.Queue[tuple[type[BaseException], float]] = asyncio.Queue()
    connected = asyncio.Event()

    async def wait_for_the_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.read(100):
                connected.set()
        except ConnectionResetError as error:
            seen.put_nowait((type(error), time.monotonic()))
        await closed(writer)

    async def scenario() -> None:
        async with relayed(wait_for_the_end, 10) as (_, port):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"hello")
            await connected.wait()
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            reset_s = time.monotonic()
            writer.transport.abort()
            error, at_s = await seen.get()
            assert error is ConnectionResetError
            assert at_s - reset_s >= 0.010

    in_uvloop(scenario())


class Observed:
    """What a relay told of its connections."""

    def __init__(self) -> None:
        self.open: dict[tuple[str, int], tuple[Received, Received]] = {}
        self.gone: list[tuple[int, int]] = []

    def connected(self, address: tuple[str, int], up: Received, down: Received) -> None:
        self.open[address] = up, down

    def disconnected(self, address: tuple[str, int]) -> None:
        up, down = self.open.pop(address)
        self.gone.append((up.bytes, down.bytes))


@contextlib.asynccontextmanager
async def observed(handler: Handler, max_connections: int | None = None) -> AsyncIterator[tuple[Observed, int]]:
    """A relay without delay whose connections are watched, and its port."""
    server = await asyncio.start_server(handler, "127.0.0.1", 0)
    observer = Observed()
    relay = DelayRelay(server.sockets[0].getsockname()[:2], 0, observer, max_connections)
    listener = listen("127.0.0.1", 0)
    await relay.start(listener)
    try:
        yield observer, listener.getsockname()[1]
    finally:
        await relay.stop()
        server.close()
        await server.wait_closed()


def test_an_observer_hears_of_each_connection_under_the_servers_address_for_it() -> None:
    peers: list[tuple[str, int]] = []

    async def note_and_echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peers.append(writer.get_extra_info("peername"))
        await echo(reader, writer)

    async def scenario() -> None:
        async with observed(note_and_echo) as (observer, port):
            opened = []
            for sent in (b"one", b"other"):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                opened.append((reader, writer))
                writer.write(sent)
                assert await reader.readexactly(len(sent)) == sent
            counted = {address: (up.bytes, down.bytes) for address, (up, down) in observer.open.items()}
            assert counted == dict(zip(peers, [(3, 3), (5, 5)], strict=True))
            for reader, writer in opened:
                writer.write_eof()
                assert await reader.read() == b""
                await closed(writer)
            while observer.open:
                await asyncio.sleep(0.001)
            assert sorted(observer.gone) == [(3, 3), (5, 5)]

    in_uvloop(scenario())


class Tapped:
    """What a tap heard of one connection."""

    def __init__(self) -> None:
        self.addresses: list[tuple[str, int]] = []
        self.heard: list[tuple[str, bytes]] = []
        self.gone = False

    def connected(self, address: tuple[str, int]) -> None:
        self.addresses.append(address)

    def passed(self, direction: str, data: bytes, arrived_ns: int) -> None:
        assert arrived_ns <= time.monotonic_ns()
        self.heard.append((direction, data))

    def disconnected(self, address: tuple[str, int]) -> None:
        assert self.addresses == [address]
        self.gone = True

    def all(self, direction: str) -> bytes:
        return b"".join(data for heard, data in self.heard if heard == direction)


def test_a_tap_hears_all_that_one_connection_carries_and_its_ends() -> None:
    async def scenario() -> None:
        taps: list[Tapped] = []

        def tap() -> Tapped:
            taps.append(Tapped())
            return taps[-1]

        peers: list[tuple[str, int]] = []

        async def shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            peers.append(writer.get_extra_info("peername"))
            while data := await reader.read(65_536):
                writer.write(data.upper())
            await closed(writer)

        server = await asyncio.start_server(shout, "127.0.0.1", 0)
        relay = DelayRelay(server.sockets[0].getsockname()[:2], 2.0, tap=tap)
        listener = listen("127.0.0.1", 0)
        await relay.start(listener)
        for sent in (b"one", b"x" * 200_000):
            reader, writer = await asyncio.open_connection("127.0.0.1", listener.getsockname()[1])
            writer.write(sent)
            writer.write_eof()
            assert await reader.read() == sent.upper()
            await closed(writer)
            heard = taps[-1]
            while not heard.gone:
                await asyncio.sleep(0.001)
            assert (heard.all("up"), heard.all("down")) == (sent, sent.upper())
            assert [heard.heard.count((direction, b"")) for direction in ("up", "down")] == [1, 1]
        assert [heard.addresses for heard in taps] == [[peer] for peer in peers]
        await relay.stop()
        server.close()
        await server.wait_closed()

    in_uvloop(scenario())


def test_a_client_that_resets_at_once_leaves_nothing_open() -> None:
    async def scenario() -> None:
        async with observed(echo) as (observer, port):
            for _ in range(20):
                with socket.create_connection(("127.0.0.1", port)) as client:
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                await asyncio.sleep(0.001)
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"x")
            assert await reader.readexactly(1) == b"x"
            while len(observer.open) > 1:
                await asyncio.sleep(0.001)
            await closed(writer)

    in_uvloop(scenario())


def test_no_more_connections_than_allowed() -> None:
    async def scenario() -> None:
        async with observed(echo, max_connections=2) as (observer, port):
            opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
            for reader, writer in opened:
                writer.write(b"x")
                assert await reader.readexactly(1) == b"x"
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            assert await reader.read() == b""
            await closed(writer)
            assert len(observer.open) == 2
            await closed(opened[0][1])
            while len(observer.open) > 1:
                await asyncio.sleep(0.001)
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"y")
            assert await reader.readexactly(1) == b"y"
            for _, still_open in (opened[1], (reader, writer)):
                await closed(still_open)

    in_uvloop(scenario())


def test_a_new_delay_holds_for_what_arrives_from_then_on_and_overtakes_nothing() -> None:
    relay, line = DelayRelay(("127.0.0.1", 1), 100), RecordingLine()
    relay.loop, relay.line = asyncio.new_event_loop(), line  # type: ignore[assignment]  # a line of the test's
    try:
        client, server = _End(relay, 0, 0), _End(relay, 0, 0)
        client.peer, server.peer = server, client
        for arrived_ms, delay_ms in ((500, 100), (510, 20), (700, 20), (710, 300)):
            relay.set_delay(delay_ms)
            client.received(b"x", arrived_ms * 1_000_000)
    finally:
        relay.loop.close()
    assert [due_ns / 1_000_000 for due_ns in line.due_ns] == [600, 600, 720, 1010]
    assert relay.one_way_delay_ms == 300


def test_no_server_behind_the_relay_looks_like_a_broken_connection() -> None:
    async def scenario() -> None:
        unused = listen("127.0.0.1", 0)
        address = unused.getsockname()
        unused.close()
        relay, listener = DelayRelay(address, 1), listen("127.0.0.1", 0)
        await relay.start(listener)
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.getsockname()[1])
        with pytest.raises(ConnectionResetError):
            await reader.readexactly(1)
        await closed(writer)
        await relay.stop()

    in_uvloop(scenario())


class ExhaustedListener(socket.socket):
    """A listening socket that cannot be accepted from at first, as when descriptors have run out."""

    refusals = 2

    def accept(self) -> tuple[socket.socket, object]:
        if self.refusals:
            self.refusals -= 1
            raise OSError(errno.EMFILE, "too many open files")
        return super().accept()


def test_connections_wait_while_there_are_no_descriptors() -> None:
    async def scenario() -> None:
        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        relay = DelayRelay(server.sockets[0].getsockname()[:2], 0)
        listener = ExhaustedListener(fileno=listen("127.0.0.1", 0).detach())
        await relay.start(listener)
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.getsockname()[1])
        writer.write(b"x")
        assert await reader.readexactly(1) == b"x"
        assert listener.refusals == 0
        await closed(writer)
        await relay.stop()
        server.close()
        await server.wait_closed()

    in_uvloop(scenario())


def test_connections_that_have_ended_are_forgotten() -> None:
    async def scenario() -> None:
        async with relayed(echo, 0) as (relay, port):
            for _ in range(3):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(b"x")
                writer.write_eof()
                assert await reader.read() == b"x"
                await closed(writer)
            while relay.ends:
                await asyncio.sleep(0.001)
            assert relay.statistics().connections == 3

    in_uvloop(scenario())


def test_small_chunks_are_not_delayed_by_nagle() -> None:
    async def scenario() -> None:
        async with relayed(echo, 0) as (relay, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"x")
            await reader.readexactly(1)
            sockets = [end.socket._sock for end in relay.ends if end.socket._sock]
            assert [bool(s.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)) for s in sockets] == [True, True]
            await closed(writer)

    in_uvloop(scenario())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_program_prints_its_account_when_told_to_stop(start_server: StartServer, number: signal.Signals) -> None:
    with listen("127.0.0.1", 0) as upstream:
        upstream.setblocking(True)
        relay = start_server("relay", "--to", f"127.0.0.1:{upstream.getsockname()[1]}", "--delay-ms", "0.5")
        with socket.create_connection(("127.0.0.1", relay.port)) as client:
            client.sendall(b"up")
            served, _ = upstream.accept()
            with served:
                assert served.recv(100) == b"up"
                served.sendall(b"down!")
                assert client.recv(100) == b"down!"
                relay.process.send_signal(number)
                assert relay.process.stdout is not None
                account = json.loads(relay.process.stdout.readline())
                assert relay.process.wait(PATIENCE_S) == 0
    late = account.pop("lateness_us")
    assert account == {"one_way_delay_ms": 0.5, "connections": 1, "up_bytes": 2, "down_bytes": 5, "chunks": 2}
    assert 0 <= late["p50"] <= late["p99"] <= late["max"]
    assert 0 <= late["mean"] <= late["max"]


def test_an_unused_relay_has_no_lateness_to_report() -> None:
    async def scenario() -> None:
        relay, listener = DelayRelay(("127.0.0.1", 1), 5), listen("127.0.0.1", 0)
        await relay.start(listener)
        account = await relay.stop()
        assert dataclasses.asdict(account)["lateness_us"] == {"mean": None, "p50": None, "p99": None, "max": None}

    in_uvloop(scenario())
