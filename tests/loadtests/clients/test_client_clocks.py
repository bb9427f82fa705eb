"""What a client does depends on how far times lie apart, and never on how long its machine has been up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from contract import wire
from contract.records import NO_TIME_NS, Deliveries, Outcome, Requests
from tests.loadtests.clients.bench import MS, PAYLOADS, Bench, http
from tests.loadtests.clients.test_sse_and_echo_clients import HEAD
from tests.loadtests.clients.test_websocket_client import Peer

pytestmark = pytest.mark.clocks

DAY_NS = 24 * 3600 * 10**9
ORDINARY_NS = 10 * DAY_NS


def text(bench: Bench, seq: int) -> str:
    return wire.encode_event(wire.Event(seq, bench.now_ns, bench.now_ns + 1, PAYLOADS[(seq - 1) % 2]))


def long_poll(bench: Bench) -> None:
    bench.connect()
    bench.client.begin(bench.now_ns, bench.now_ns)
    for seq in (1, 2):
        bench.feed(http(200, wire.encode_poll_reply([text(bench, seq)], seq)), after_ms=120)
    bench.ring()
    bench.ring()
    bench.connect()
    bench.feed(http(200, wire.encode_poll_reply([text(bench, 3), text(bench, 4)], 4)))


def short_poll(bench: Bench) -> None:
    bench.connect()
    bench.client.begin(bench.now_ns, bench.now_ns)
    for seq in (1, 2, 3):
        bench.ring()
        bench.feed(http(200, wire.encode_poll_reply([text(bench, seq)], seq)), after_ms=1700)
    bench.ring()
    bench.client.finish(bench.now_ns)


def sse(bench: Bench) -> None:
    bench.connect()
    bench.feed(HEAD)
    body = wire.encode_sse_event(1, text(bench, 1))
    bench.feed(f"{len(body):x}\r\n".encode() + body + b"\r\n")
    bench.cut()
    bench.ring()
    bench.client.connecting(bench.now_ns)
    bench.client.connection_failed(bench.now_ns)
    bench.ring()


def websocket(bench: Bench) -> None:
    peer = Peer()
    bench.feed(peer.receive(bench.connect()))
    bench.feed(peer.text(text(bench, 1)))
    bench.cut()
    bench.ring()
    bench.connect()
    bench.ring()


def echo_websocket(bench: Bench) -> None:
    peer = Peer()
    bench.feed(peer.receive(bench.connect()))
    bench.client.begin(bench.now_ns, bench.now_ns)
    for _ in range(4):
        peer.receive(bench.ring())
        bench.feed(peer.text(bytes(peer.frames[-1].data).decode()), after_ms=3)


def echo_post(bench: Bench) -> None:
    bench.client.begin(bench.now_ns, bench.now_ns)
    bench.connect()
    for _ in range(4):
        bench.feed(http(200, bench.ring().partition(b"\r\n\r\n")[2]), after_ms=3)


def echo_post_new(bench: Bench) -> None:
    bench.client.begin(bench.now_ns, bench.now_ns)
    for _ in range(4):
        bench.ring()
        bench.feed(http(200, bench.connect().partition(b"\r\n\r\n")[2]), after_ms=3)


SCRIPTS = (long_poll, short_poll, sse, websocket, echo_websocket, echo_post, echo_post_new)
Rows = dict[str, list[int]]


def recorded(script: Callable[[Bench], None], start_ns: int) -> tuple[Rows, Rows]:
    """Deliveries and requests of a script that begins at `start_ns`, times as counted from there."""
    bench = Bench(script.__name__, phase_ns=30 * MS)
    bench.now_ns = start_ns
    script(bench)
    return (
        columns(bench.deliveries, start_ns, ("due_ns", "published_ns", "user_ns", "kernel_realtime_ns")),
        columns(bench.requests, start_ns, ("planned_ns", "start_ns", "end_ns")),
    )


def columns(table: Deliveries | Requests, start_ns: int, times: tuple[str, ...]) -> Rows:
    rows: Rows = {name: getattr(table, name).tolist() for name in table.column_names()}
    if isinstance(table, Requests):
        # Lengths of stamps that are sent, and the times of what did not happen, are no matter of when it began.
        rows |= {"up_bytes": [], "down_bytes": []}
        unsent = table.outcome == Outcome.SKIPPED
        unended = unsent | (table.outcome == Outcome.UNFINISHED)
        assert (table.start_ns[unsent] == NO_TIME_NS).all()
        assert (table.end_ns[unended] == NO_TIME_NS).all()
        table.start_ns[unsent] = table.end_ns[unended] = start_ns
    return rows | {name: (getattr(table, name) - start_ns).tolist() for name in times}


@pytest.mark.parametrize("script", SCRIPTS)
@given(start_ns=st.integers(0, 400 * DAY_NS))
@example(start_ns=0)
@example(start_ns=5 * 10**9)
@example(start_ns=300 * DAY_NS)
def test_a_client_does_the_same_on_a_machine_of_any_age(script: Any, start_ns: int) -> None:
    assert recorded(script, start_ns) == recorded(script, ORDINARY_NS)


@pytest.mark.parametrize("script", SCRIPTS)
@given(start_ns=st.integers(-20_000 * MS, 0).map(lambda ns: ns // MS * MS))
@example(start_ns=-1_000 * MS)
@example(start_ns=-31 * MS)
def test_no_time_is_taken_for_none_at_all(script: Any, start_ns: int) -> None:
    """As on a clock whose origin lies ahead: its zero is amid what happens, and is a time like any other."""
    assert recorded(script, start_ns) == recorded(script, ORDINARY_NS)
