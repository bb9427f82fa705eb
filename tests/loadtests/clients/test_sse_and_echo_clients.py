from __future__ import annotations

import itertools
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract import wire
from contract.records import RequestKind
from tests.loadtests.clients.bench import MS, PAYLOADS, Bench, http

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


def plain_stream(*seqs: int) -> bytes:
    """The body of a stream with these events, as our server sends it."""
    return b"".join(chunk(seq).partition(b"\r\n")[2].removesuffix(b"\r\n") for seq in seqs)


def chunked(body: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(body), body)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@given(cuts=st.lists(st.integers(0, 1000), max_size=8))
def test_sse_with_any_line_ends_and_events_of_others_between(end: str, cuts: list[int]) -> None:
    bench = Bench("sse")
    bench.connect()
    bench.feed(HEAD)
    between = b": still here\n\nevent: ping\ndata: 2026-11-28\n\nevent: ping\n\n"
    text = b"\xef\xbb\xbf" + b"".join(between + plain_stream(seq) for seq in (1, 2, 3, 4))
    body = text.replace(b"\n", end.encode())
    edges = sorted({0, len(body), *(cut for cut in cuts if cut < len(body))})
    for start, stop in itertools.pairwise(edges):
        bench.feed(chunked(body[start:stop]))
    assert bench.deliveries.seq.tolist() == [1, 2, 3, 4]
    assert bench.deliveries.payload_ok.all()
    assert bench.client.settled


def test_sse_data_that_are_no_event_are_shown() -> None:
    bench = Bench("sse")
    bench.connect()
    bench.feed(HEAD + chunk(1) + chunked(b"data: keep-alive\n\n"))
    assert bench.deliveries.seq.tolist() == [1, 0]
    assert bench.problem.startswith("GET /sse delivered data that is not an event (expected JSON")
    assert bench.problem.endswith(": 'keep-alive'")


def test_sse_data_of_several_lines_is_one_event() -> None:
    bench = Bench("sse")
    bench.connect()
    bench.feed(HEAD + chunked(plain_stream(1).replace(b',"payload"', b'\ndata: ,"payload"')))
    assert bench.deliveries.payload_ok.tolist() == [1]


def test_sse_resumes_by_the_id_that_the_stream_gave_and_after_the_time_that_it_named() -> None:
    bench = Bench("sse")
    assert b"Last-Event-ID" not in bench.connect()
    bench.feed(HEAD + chunked(b"retry: 750\n\nid: room/\xc3\xa9\n\nid: a\0b\n\nid: never dispatched\n"))
    bench.cut()
    cut_ns = bench.now_ns
    bench.ring()
    assert bench.now_ns - cut_ns == 750 * MS
    assert "\r\nLast-Event-ID: room/é\r\n".encode() in bench.connect()


def test_sse_that_ends_with_its_connection() -> None:
    bench = Bench("sse")
    bench.connect()
    bench.feed(b"HTTP/1.0 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + plain_stream(1))
    assert bench.client.ready
    bench.feed(plain_stream(2))
    bench.cut()
    assert bench.deliveries.seq.tolist() == [1, 2]
    assert bench.outcomes(RequestKind.HANDSHAKE) == ["ANSWERED"]
    assert not list(bench.recorder.problems)


WRONG_TYPE = HEAD.replace(b"text/event-stream", b"text/html")


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (http(404, b"Not Found"), "GET /sse answered 404 (expected 200 with text/event-stream): 'Not Found'"),
        (
            WRONG_TYPE + chunked(b"<html>") + b"0\r\n\r\n",
            "GET /sse answered 200, 'text/html' (expected text/event-stream): '<html>'",
        ),
        (
            WRONG_TYPE + chunked(b"<" * 100),
            f"GET /sse answered 200, 'text/html' (expected text/event-stream): '{'<' * 80}'…",
        ),
        (
            HEAD.replace(b"\r\n\r\n", b"\r\ncontent-encoding: gzip\r\n\r\n"),
            "GET /sse got no usable answer: it has Content-Encoding 'gzip', not none: ",
        ),
    ],
)
def test_sse_that_is_no_event_stream_says_what_it_is(answer: bytes, problem: str) -> None:
    bench = Bench("sse")
    bench.connect()
    bench.feed(answer)
    assert bench.problem.startswith(problem)
    assert not bench.client.ready
    assert not bench.client.wants_connection


def test_sse_whose_chunks_break_off_says_so() -> None:
    bench = Bench("sse")
    bench.connect()
    bench.feed(HEAD + chunk(1))
    bench.feed(b"no chunk\r\n")
    assert bench.problem.startswith("GET /sse became unreadable: its chunks are malformed")
    assert bench.deliveries.seq.tolist() == [1, 0]
    assert not bench.client.wants_connection


def test_sse_that_is_not_compressed_as_it_was_asked_to_be_says_so() -> None:
    bench = Bench("sse", compression="deflate")
    bench.connect()
    bench.feed(HEAD + chunk(1))
    bench.client.finish(bench.now_ns)
    assert bench.problem == "no answer was compressed, though each request said Accept-Encoding: deflate"


def test_an_event_of_megabytes_is_put_together() -> None:
    bench = Bench("sse")
    bench.connect()
    bench.feed(HEAD)
    body = plain_stream(1).replace(b"data: ", b"data: " + b" " * 8_000_000)
    for start in range(0, len(body), 60_000):
        bench.feed(chunked(body[start : start + 60_000]))
    assert bench.deliveries.payload_ok.tolist() == [1]


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


def test_a_message_on_a_kept_connection_that_dies_is_not_sent_twice() -> None:
    bench = Bench("echo_post", events=2)
    bench.connect()
    bench.client.begin(bench.now_ns, bench.now_ns)
    bench.feed(http(200, bench.ring().partition(b"\r\n\r\n")[2]))
    bench.ring()
    bench.cut()
    assert bench.outcomes(RequestKind.POST) == ["ANSWERED", "LOST"]
    assert bench.problem == (
        "POST /echo got no answer: its kept-alive connection was closed, and a POST is not sent twice (RFC 9110, 9.2.2)"
    )


def test_an_echo_that_is_no_event_says_what_it_is() -> None:
    bench = Bench("echo_post", events=2)
    bench.connect()
    bench.client.begin(bench.now_ns, bench.now_ns)
    bench.ring()
    bench.feed(http(200, b"thanks"))
    assert bench.outcomes(RequestKind.POST) == ["GARBLED"]
    assert bench.problem == "POST /echo answered 200 (expected the message that was sent): 'thanks'"


def test_messages_wait_for_the_next_one_where_the_server_closes_after_each_answer() -> None:
    bench = Bench("echo_post", events=2)
    bench.connect()
    bench.client.begin(bench.now_ns, bench.now_ns)
    body = bench.ring().partition(b"\r\n\r\n")[2]
    bench.feed(http(200, body, extra="connection: close\r\n"))
    assert not bench.client.wants_connection
    bench.ring()
    bench.feed(http(200, bench.connect().partition(b"\r\n\r\n")[2], extra="connection: close\r\n"))
    assert bench.client.settled
