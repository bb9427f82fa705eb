"""Benchmarks of the clients' cost per delivery or poll, from bytes alone: no socket, no clock, no server.

`make microbench` runs these (docs/internals/speed.md). Each round is one event for many clients, as in a broadcast: the
first client that receives it decodes it, the others use the cached result. The time shown is a round's; a client's is a
hundredth of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from contract import wire
from loadtests.clients.base import Client
from loadtests.clients.recorder import DELIVERY_ROW, Recorder
from tests.loadtests.clients.bench import PAYLOADS, Bench, http
from tests.loadtests.clients.test_plain_frames import LibraryOnly
from tests.loadtests.clients.test_sse_and_echo_clients import HEAD
from tests.loadtests.clients.test_websocket_client import Peer

CLIENTS = 100
ROUNDS = 300
EVENTS = 5 * ROUNDS


def encoded(seq: int) -> str:
    return wire.encode_event(wire.Event(seq, 10**15 + seq, 10**15 + seq + 1, PAYLOADS[(seq - 1) % 2]))


def crowd(transport: str, opening: Callable[[Bench], None]) -> list[Client]:
    benches = [Bench(transport, events=EVENTS) for _ in range(CLIENTS)]
    for bench in benches:
        opening(bench)
    return [bench.client for bench in benches]


def open_channel(bench: Bench) -> None:
    bench.feed(Peer().receive(bench.connect()))


def open_channel_through_the_library(bench: Bench) -> None:
    bench.client = LibraryOnly(bench.client.setup, bench.recorder)
    open_channel(bench)


def open_stream(bench: Bench) -> None:
    bench.connect()
    bench.feed(HEAD)


def begin_polling(bench: Bench) -> None:
    bench.connect()
    bench.client.begin(bench.now_ns, bench.now_ns)


def frames() -> Iterator[bytes]:
    peer = Peer()
    opened = Bench("websocket")
    peer.receive(opened.connect())
    for seq in range(1, EVENTS + 1):
        yield peer.text(encoded(seq))


def copies(data: bytes) -> list[bytes]:
    """Return one read per client: the same bytes, as different objects."""
    return [bytes(bytearray(data)) for _ in range(CLIENTS)]


def receive(clients: list[Client], reads: list[bytes]) -> None:
    for client, data in zip(clients, reads, strict=True):
        client.received(data, 10**15, 10**18)


def poll(clients: list[Client], replies: list[bytes]) -> None:
    for client, data in zip(clients, replies, strict=True):
        due_ns = client.timer_ns
        assert due_ns is not None
        client.timer_ns = None
        client.timer(due_ns)
        client.output.clear()
        client.received(data, due_ns + 1, 10**18)


def time_rounds(
    benchmark: Any, work: Callable[[list[Client], list[bytes]], None], clients: list[Client], data: Callable[[], bytes]
) -> int:
    """Time rounds in which all clients read the same new data; return how many (with `--benchmark-disable`, one)."""
    rounds = 0

    def setup() -> tuple[tuple[list[Client], list[bytes]], dict[str, Any]]:
        nonlocal rounds
        rounds += 1
        return (clients, copies(data())), {}

    benchmark.pedantic(work, setup=setup, rounds=ROUNDS)
    return rounds


@pytest.mark.parametrize("opening", [open_channel, open_channel_through_the_library])
def test_websocket_frame(benchmark: Any, opening: Callable[[Bench], None]) -> None:
    clients, told = crowd("websocket", opening), frames()
    rounds = time_rounds(benchmark, receive, clients, lambda: next(told))
    assert clients[0].cursor == clients[-1].cursor == rounds


@pytest.mark.parametrize("line_end", ["lf", "crlf"])
def test_sse_block(benchmark: Any, line_end: str) -> None:
    clients, seqs = crowd("sse", open_stream), iter(range(1, EVENTS + 1))

    def block() -> bytes:
        event = wire.encode_sse_event(seq := next(seqs), encoded(seq))
        body = event if line_end == "lf" else event.replace(b"\n", b"\r\n")
        return b"%x\r\n%b\r\n" % (len(body), body)

    rounds = time_rounds(benchmark, receive, clients, block)
    assert clients[0].cursor == clients[-1].cursor == rounds


@pytest.mark.parametrize("events_per_poll", [0, 1, 5])
def test_short_poll(benchmark: Any, events_per_poll: int) -> None:
    clients = crowd("short_poll", begin_polling)

    def reply() -> bytes:
        first = clients[0].cursor + 1
        told = [encoded(seq) for seq in range(first, first + events_per_poll)]
        return http(200, wire.encode_poll_reply(told, first - 1 + events_per_poll)) if told else http(204)

    rounds = time_rounds(benchmark, poll, clients, reply)
    assert clients[0].cursor == clients[-1].cursor == rounds * events_per_poll


def test_recording(benchmark: Any) -> None:
    recorder = Recorder()
    rounds = 0

    def record() -> None:
        nonlocal rounds
        rounds += 1
        for client in range(CLIENTS):
            recorder.deliveries.frombytes(DELIVERY_ROW.pack(client, 7, 10**15, 10**15, 10**18, 10**15, True))

    benchmark.pedantic(record, rounds=ROUNDS)
    assert len(recorder.deliveries) == rounds * CLIENTS * 7
