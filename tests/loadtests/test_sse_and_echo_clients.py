from __future__ import annotations

import itertools
import zlib

from hypothesis import given
from hypothesis import strategies as st

from loadtests.records import RequestKind
from servers import wire
from tests.loadtests.bench import MS, PAYLOADS, Bench, http

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def chunk(seq: int) -> bytes:
    encoded = wire.encode_event(wire.Event(seq, seq * 10, seq * 10 + 1, PAYLOADS[(seq - 1) % 2]))
    body = wire.encode_sse_event(seq, encoded)
    return f"{len(body):x}\r\n".encode() + body + b"\r\n"


@given(cuts=st.lists(st.integers(0, 700), max_size=8))
def test_sse_events_arrive_whole_whatever_the_pieces(cuts: list[int]) -> None:
    bench = Bench("sse")
    assert bench.connect().startswith(b"GET /sse?after=0 HTTP/1.1\r\n")
    data = HEAD + b"".join(chunk(seq) for seq in (1, 2, 3, 4))
    edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    for start, end in itertools.pairwise(edges):
        bench.feed(data[start:end])
    assert bench.client.ready
    assert bench.deliveries.seq.tolist() == [1, 2, 3, 4]
    assert bench.outcomes(RequestKind.HANDSHAKE) == ["ANSWERED"]
    assert bench.client.settled


def test_sse_ignores_comments_and_resumes_with_the_last_event_id() -> None:
    bench = Bench("sse")
    bench.connect()
    bench.feed(HEAD + b"3\r\n:\n\n\r\n" + chunk(1) + chunk(2))
    bench.cut()
    bench.ring()
    again = bench.connect()
    assert again.startswith(b"GET /sse?after=2 ")
    assert b"\r\nLast-Event-ID: 2\r\n" in again
    bench.feed(HEAD + chunk(3))
    assert bench.deliveries.seq.tolist() == [1, 2, 3]


def test_sse_is_inflated_event_by_event() -> None:
    bench = Bench("sse", compression="deflate")
    assert b"\r\nAccept-Encoding: deflate\r\n" in bench.connect()
    bench.feed(HEAD.replace(b"\r\n\r\n", b"\r\ncontent-encoding: deflate\r\n\r\n"))
    compressor = zlib.compressobj()
    for seq in (1, 2, 3):
        plain = chunk(seq).partition(b"\r\n")[2].removesuffix(b"\r\n")
        packed = compressor.compress(plain) + compressor.flush(zlib.Z_SYNC_FLUSH)
        bench.feed(b"%x\r\n%b\r\n" % (len(packed), packed))
        assert bench.deliveries.seq.tolist()[-1] == seq
    assert bench.client.ready
    assert bench.deliveries.payload_ok.all()


def test_sse_that_ends_is_opened_again() -> None:
    bench = Bench("sse")
    bench.connect()
    bench.feed(HEAD + chunk(1) + b"0\r\n\r\n")
    assert not bench.client.wants_connection
    bench.ring()
    assert bench.client.wants_connection


def test_sse_refused_for_an_old_cursor_ends_the_client() -> None:
    bench = Bench("sse")
    bench.connect()
    bench.feed(http(410, b"{}"))
    assert bench.client.cut_off
    assert bench.outcomes(RequestKind.HANDSHAKE) == ["BAD_STATUS"]


def test_post_echo_sends_one_at_a_time_and_counts_lateness_from_due() -> None:
    bench = Bench("echo_post", events=2)
    assert bench.connect() == b""
    t0 = bench.now_ns
    bench.client.begin(t0, bench.now_ns)
    request = bench.ring()
    assert request.startswith(b"POST /echo HTTP/1.1\r\n")
    body = request.partition(b"\r\n\r\n")[2]
    # The second message falls due while the first is still on its way: it leaves with the answer.
    second = bench.feed(http(200, body), after_ms=150)
    assert second.startswith(b"POST /echo")
    bench.feed(http(200, second.partition(b"\r\n\r\n")[2]))
    delivered = bench.deliveries
    assert ((delivered.user_ns - delivered.due_ns) // MS).tolist() == [150, 51]
    posts = bench.requests.where(bench.requests.kind == RequestKind.POST)
    assert ((posts.start_ns - posts.planned_ns) // MS).tolist() == [0, 50]
    assert bench.client.settled


def test_a_new_connection_for_each_message() -> None:
    bench = Bench("echo_post_new", events=2)
    assert not bench.client.wants_connection
    assert bench.client.ready
    bench.client.begin(bench.now_ns, bench.now_ns)
    for _ in range(2):
        assert bench.ring() == b""
        assert bench.client.wants_connection
        request = bench.connect()
        bench.feed(http(200, request.partition(b"\r\n\r\n")[2]))
        assert not bench.client.wants_connection
    assert bench.client.settled
    assert bench.client.timer_ns is None
    assert bench.outcomes(RequestKind.CONNECT) == ["ANSWERED", "ANSWERED"]
    assert bench.outcomes(RequestKind.POST) == ["ANSWERED", "ANSWERED"]
