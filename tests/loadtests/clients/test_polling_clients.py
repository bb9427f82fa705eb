from __future__ import annotations

import itertools
import re
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract import wire
from contract.records import Outcome, RequestKind, turnaround_delay_ns
from tests.loadtests.clients.bench import MS, PAYLOADS, Bench, http


def reply(*seqs: int) -> bytes:
    encoded = [wire.encode_event(wire.Event(seq, seq * 10, seq * 10 + 1, PAYLOADS[(seq - 1) % 2])) for seq in seqs]
    return http(200, wire.encode_poll_reply(encoded, seqs[-1]))


def cursor_of(request: bytes) -> int:
    found = re.match(rb"GET /poll/\w+\?after=(\d+)", request)
    assert found is not None, request
    return int(found.group(1))


def test_long_poll_asks_at_once_and_moves_its_cursor() -> None:
    bench = Bench("long_poll", hold_s=2.5)
    first = bench.connect()
    assert cursor_of(first) == 0
    assert b"hold_ms=2500" in first
    assert cursor_of(bench.feed(reply(1, 2))) == 2
    assert cursor_of(bench.feed(http(204))) == 2
    assert bench.outcomes(RequestKind.POLL) == ["ANSWERED", "EMPTY"]
    assert bench.deliveries.seq.tolist() == [1, 2]
    assert bench.requests.events.tolist() == [0, 2, 0]


@pytest.mark.parametrize("kept", [True, False])
def test_long_poll_with_a_jitter_asks_when_its_own_delay_is_over(kept: bool) -> None:
    bench = Bench("long_poll", turnaround_jitter_ms=20, keep_alive=kept)
    assert cursor_of(bench.connect()) == 0, "there is no answer yet to wait after"
    read_ns = []
    for answer, seq in enumerate((1, 2, 3)):
        assert bench.feed(reply(seq)) == b""
        read_ns.append(bench.now_ns)
        delay_ns = turnaround_delay_ns(0, bench.client.index, answer, 20 * MS)
        assert bench.client.timer_ns == bench.now_ns + delay_ns
        sent = bench.ring()
        if not kept:
            assert bench.client.wants_connection
            sent = bench.connect()
        assert cursor_of(sent) == seq
    bench.feed(reply(4))
    planned_ns = bench.requests.where(bench.requests.kind == RequestKind.POLL).planned_ns
    delays_ns = [turnaround_delay_ns(0, bench.client.index, answer, 20 * MS) for answer in range(3)]
    assert planned_ns[1:].tolist() == [read + delay for read, delay in zip(read_ns, delays_ns, strict=True)]


def test_without_a_cursor_nothing_is_asked_for_and_what_is_missed_is_not_waited_for() -> None:
    bench = Bench("long_poll", cursor=False)
    assert bench.connect().startswith(b"GET /poll/long?cursor=none&hold_ms=")
    assert bench.feed(reply(2)).startswith(b"GET /poll/long?cursor=none&hold_ms=")
    assert not bench.client.settled
    bench.feed(reply(4))
    assert bench.deliveries.seq.tolist() == [2, 4]
    assert bench.client.settled


def test_with_a_cursor_what_is_missing_is_waited_for() -> None:
    bench = Bench("long_poll")
    bench.connect()
    bench.feed(reply(4))
    assert not bench.client.settled


def test_without_a_cursor_an_event_that_a_short_poll_has_already_is_an_empty_answer() -> None:
    bench = Bench("short_poll", poll_interval_s=1.0, cursor=False)
    bench.connect()
    bench.client.begin(bench.now_ns, bench.now_ns)
    for answer in (http(204), reply(1), reply(1), reply(3)):
        assert bench.ring().startswith(b"GET /poll/short?cursor=none HTTP/1.1")
        bench.feed(answer)
    assert bench.outcomes(RequestKind.POLL) == ["EMPTY", "ANSWERED", "EMPTY", "ANSWERED"]
    assert bench.deliveries.seq.tolist() == [1, 3]


def test_a_short_poll_that_pauses_counts_its_interval_from_the_answer() -> None:
    bench = Bench("short_poll", phase_ns=300 * MS, poll_interval_s=1.0, pacing="pause")
    bench.connect()
    t0 = bench.now_ns
    bench.client.begin(t0, bench.now_ns)
    planned = []
    for after_ms in (100, 3400, 1):
        bench.ring()
        planned.append(bench.now_ns - t0)
        bench.feed(http(204), after_ms=after_ms)
    assert planned == [300 * MS, 1400 * MS, 5800 * MS]
    assert bench.outcomes(RequestKind.POLL) == ["EMPTY"] * 3


def test_long_poll_answers_are_stamped_before_they_are_parsed() -> None:
    bench = Bench("long_poll")
    bench.connect()
    bench.feed(reply(1), after_ms=40)
    delivered = bench.deliveries
    assert delivered.user_ns.tolist() == [bench.now_ns]
    assert delivered.kernel_realtime_ns.tolist() == [bench.now_ns + 5]
    assert (delivered.due_ns.tolist(), delivered.published_ns.tolist()) == ([10], [11])


@given(cuts=st.lists(st.integers(0, 400), max_size=8))
def test_answers_may_arrive_in_any_pieces(cuts: list[int]) -> None:
    bench = Bench("long_poll")
    bench.connect()
    data = reply(1, 2, 3)
    edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    for start, end in itertools.pairwise(edges):
        bench.feed(data[start:end])
    assert bench.deliveries.seq.tolist() == [1, 2, 3]
    requests = bench.requests
    assert requests.down_bytes[requests.outcome == Outcome.ANSWERED].tolist()[-1] == len(data)


def test_short_poll_waits_for_the_stream_and_keeps_its_schedule() -> None:
    bench = Bench("short_poll", phase_ns=300 * MS, poll_interval_s=1.0)
    assert bench.connect() == b""
    t0 = bench.now_ns + 50 * MS
    bench.client.begin(t0, bench.now_ns)
    planned = []
    for _ in range(3):
        assert cursor_of(bench.ring()) == 0
        planned.append(bench.now_ns - t0)
        bench.feed(http(204), after_ms=120)
    assert planned == [300 * MS, 1300 * MS, 2300 * MS]
    polls = bench.requests.where(bench.requests.kind == RequestKind.POLL)
    assert (polls.planned_ns - t0).tolist() == planned


def test_short_poll_with_a_slow_answer_polls_late_and_says_which_polls_it_skipped() -> None:
    bench = Bench("short_poll", poll_interval_s=1.0)
    bench.connect()
    t0 = bench.now_ns
    bench.client.begin(t0, bench.now_ns)
    bench.ring()
    asked = bench.feed(http(204), after_ms=3400)
    assert cursor_of(asked) == 0
    polls = bench.requests.where(bench.requests.kind == RequestKind.POLL)
    skipped = polls.planned_ns[polls.outcome == Outcome.SKIPPED] - t0
    assert skipped.tolist() == [1000 * MS, 2000 * MS]
    bench.feed(http(204))
    polls = bench.requests.where(bench.requests.kind == RequestKind.POLL)
    assert (int(polls.planned_ns[-1]) - t0, int(polls.start_ns[-1]) - t0) == (3000 * MS, 3400 * MS)
    assert bench.client.timer_ns == t0 + 4000 * MS


def test_short_poll_that_joins_late_has_skipped_nothing() -> None:
    bench = Bench("short_poll", poll_interval_s=1.0, phase_ns=200 * MS)
    bench.connect()
    bench.client.begin(bench.now_ns - 5000 * MS, bench.now_ns)
    assert bench.client.timer_ns == bench.now_ns + 200 * MS
    assert bench.outcomes(RequestKind.POLL) == []


def test_a_long_poll_without_keep_alive_asks_each_time_on_a_new_connection() -> None:
    bench = Bench("long_poll", keep_alive=False)
    bench.connect()
    for seq in (1, 2):
        assert bench.feed(reply(seq)) == b""
        assert not bench.client.wants_connection
        assert bench.client.timer_ns == bench.now_ns
        bench.ring()
        assert bench.client.wants_connection
        assert cursor_of(bench.connect()) == seq
    assert bench.outcomes(RequestKind.CONNECT) == ["ANSWERED"] * 3
    assert bench.outcomes(RequestKind.POLL) == ["ANSWERED"] * 2


def test_a_short_poll_without_keep_alive_connects_when_its_poll_is_due() -> None:
    bench = Bench("short_poll", poll_interval_s=1.0, phase_ns=300 * MS, keep_alive=False)
    assert bench.client.ready
    assert not bench.client.wants_connection
    t0 = bench.now_ns
    bench.client.begin(t0, bench.now_ns)
    for due in (300 * MS, 1300 * MS):
        assert bench.ring() == b""
        assert bench.client.wants_connection
        assert bench.now_ns - t0 == due
        assert cursor_of(bench.connect()) == 0
        bench.feed(http(204))
        assert not bench.client.wants_connection
    polls = bench.requests.where(bench.requests.kind == RequestKind.POLL)
    assert (polls.planned_ns - t0).tolist() == [300 * MS, 1300 * MS]


@pytest.mark.parametrize("transport", ["short_poll", "long_poll"])
@pytest.mark.parametrize("compression", ["off", "deflate"])
def test_a_padded_poll_has_its_padded_length(transport: str, compression: str) -> None:
    bench = Bench(transport, headers="padded", compression=compression)
    sent = bench.connect()
    bench.client.begin(bench.now_ns, bench.now_ns)
    lines = (sent or bench.ring()).removesuffix(b"\r\n\r\n").split(b"\r\n")
    assert sum(map(len, lines)) == wire.PADDED_REQUEST_CHARACTERS


def test_compressed_answers_are_inflated_and_plain_ones_taken_as_they_are() -> None:
    bench = Bench("long_poll", compression="deflate")
    assert b"\r\nAccept-Encoding: deflate\r\n" in bench.connect()
    plain = reply(1).partition(b"\r\n\r\n")[2]
    packed = zlib.compress(plain)
    bench.feed(http(200, packed, extra="Content-Encoding: deflate\r\n"))
    bench.feed(reply(2))
    assert bench.deliveries.seq.tolist() == [1, 2]
    assert bench.deliveries.payload_ok.all()
    bench.feed(http(200, b"not packed", extra="content-encoding: deflate\r\n"))
    assert bench.outcomes(RequestKind.POLL) == ["ANSWERED", "ANSWERED", "GARBLED"]


def test_a_poll_whose_answer_breaks_off_is_an_error_and_the_client_resumes_at_its_cursor_after_a_pause() -> None:
    bench = Bench("long_poll")
    bench.connect()
    bench.feed(reply(1, 2))
    bench.feed(reply(3)[:-1])
    bench.cut()
    assert not bench.client.wants_connection
    assert bench.outcomes(RequestKind.POLL) == ["ANSWERED", "LOST"]
    assert bench.problem == "GET /poll/long got part of an answer before its connection was closed"
    cut_ns = bench.now_ns
    bench.ring()
    assert bench.now_ns - cut_ns == 100 * MS
    assert bench.client.wants_connection
    assert cursor_of(bench.connect()) == 2


@pytest.mark.parametrize("broken", [False, True])
def test_an_answer_that_ends_with_its_connection_is_whole_only_if_that_ended_in_peace(broken: bool) -> None:
    bench = Bench("short_poll", poll_interval_s=1.0)
    bench.connect()
    bench.client.begin(bench.now_ns, bench.now_ns)
    bench.ring()
    head, _, body = reply(1).partition(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"content-length")]
    bench.feed(b"\r\n".join([*lines, b"", body]))
    if broken:
        bench.client.broken(bench.now_ns)
        assert bench.problem == "GET /poll/short got part of an answer before its connection was closed"
    else:
        bench.cut()
    assert bench.outcomes(RequestKind.POLL) == ["LOST" if broken else "ANSWERED"]


def test_a_poll_on_a_kept_connection_that_dies_before_a_byte_is_sent_again_once() -> None:
    bench = Bench("short_poll", poll_interval_s=1.0)
    bench.connect()
    bench.client.begin(bench.now_ns, bench.now_ns)
    bench.ring()
    bench.feed(http(204))
    bench.ring()
    asked_ns = bench.now_ns
    bench.cut()
    assert bench.client.wants_connection, "the driver opens a new one at once"
    assert cursor_of(bench.connect()) == 0
    bench.feed(reply(1))
    polls = bench.requests.where(bench.requests.kind == RequestKind.POLL)
    assert bench.outcomes(RequestKind.POLL) == ["EMPTY", "ANSWERED"]
    assert (polls.planned_ns[1], polls.start_ns[1]) == (asked_ns, asked_ns)
    assert bench.outcomes(RequestKind.CONNECT) == ["ANSWERED", "ANSWERED"]
    assert not list(bench.recorder.problems)


def test_a_poll_that_was_sent_again_in_vain_is_an_error() -> None:
    bench = Bench("long_poll")
    bench.connect()
    bench.feed(http(204))
    bench.cut()
    bench.connect()
    bench.cut()
    assert bench.outcomes(RequestKind.POLL) == ["EMPTY", "LOST"]
    assert bench.problem == "GET /poll/long got no answer: its new connection was closed"
    assert not bench.client.wants_connection


def test_a_kept_connection_that_dies_after_an_informational_answer_is_not_asked_again() -> None:
    bench = Bench("long_poll")
    bench.connect()
    bench.feed(http(204))
    bench.feed(EARLY_HINTS)
    bench.cut()
    assert bench.outcomes(RequestKind.POLL) == ["EMPTY", "LOST"]


def test_a_long_poll_asks_at_once_on_a_new_connection_where_the_server_closes_after_a_whole_answer() -> None:
    bench = Bench("long_poll")
    bench.connect()
    for answer in (http(204, extra="connection: close\r\n"), b"HTTP/1.0 204 No Content\r\n\r\n"):
        assert bench.feed(answer) == b""
        assert not bench.client.wants_connection
        assert bench.client.timer_ns == bench.now_ns
        bench.ring()
        assert cursor_of(bench.connect()) == 0
    assert bench.outcomes(RequestKind.POLL) == ["EMPTY", "EMPTY"]


def test_a_short_poll_opens_its_next_connection_when_it_is_due() -> None:
    bench = Bench("short_poll", poll_interval_s=1.0)
    bench.connect()
    t0_ns = bench.now_ns
    bench.client.begin(t0_ns, bench.now_ns)
    bench.ring()
    bench.feed(http(204, extra="connection: close\r\n"))
    assert not bench.client.wants_connection
    assert bench.client.timer_ns == t0_ns + 1000 * MS
    bench.ring()
    assert cursor_of(bench.connect()) == 0
    bench.feed(http(204))
    bench.cut()
    assert not bench.client.wants_connection, "a server may close what is idle"
    assert bench.client.timer_ns == t0_ns + 2000 * MS
    assert not list(bench.recorder.problems)


@pytest.mark.parametrize("kept_bytes", [1, 400])
def test_an_answer_that_ends_with_its_connection_is_whole_then(kept_bytes: int) -> None:
    body = reply(1, 2).partition(b"\r\n\r\n")[2]
    bench = Bench("long_poll")
    bench.connect()
    bench.feed(b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n" + body[:kept_bytes])
    bench.feed(body[kept_bytes:])
    assert bench.deliveries.seq.tolist() == []
    bench.now_ns += MS
    bench.cut()
    found = bench.deliveries
    assert found.seq.tolist() == [1, 2]
    assert set(found.user_ns.tolist()) == {bench.now_ns}
    assert set(found.kernel_realtime_ns.tolist()) == {0}, "the kernel stamps no end of a stream"
    assert bench.outcomes(RequestKind.POLL) == ["ANSWERED"]
    assert bench.client.timer_ns == bench.now_ns
    bench.ring()
    assert cursor_of(bench.connect()) == 2


EARLY_HINTS = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n"


def test_informational_answers_are_not_the_answer() -> None:
    bench = Bench("long_poll")
    bench.connect()
    assert bench.feed(EARLY_HINTS) == b""
    assert cursor_of(bench.feed(EARLY_HINTS + reply(1))) == 1
    assert bench.outcomes(RequestKind.POLL) == ["ANSWERED"]


def test_what_nobody_asked_for_ends_an_idle_connection_in_peace() -> None:
    bench = Bench("short_poll", poll_interval_s=1.0)
    bench.connect()
    t0_ns = bench.now_ns
    bench.client.begin(t0_ns, bench.now_ns)
    bench.ring()
    bench.feed(http(204))
    bench.feed(b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n")
    assert not bench.client.wants_connection
    assert bench.client.timer_ns == t0_ns + 1000 * MS
    assert bench.outcomes(RequestKind.POLL) == ["EMPTY"]


@pytest.mark.parametrize("transport", ["short_poll", "long_poll", "sse", "websocket", "echo_post", "echo_websocket"])
def test_a_connect_that_hangs_is_tried_again_and_nothing_is_ready_or_asked_by_then(transport: str) -> None:
    bench = Bench(transport)
    for _ in range(2):
        bench.client.connecting(bench.now_ns)
        began_ns = bench.now_ns
        bench.client.begin(bench.now_ns, bench.now_ns)
        assert bench.ring() == b""
        assert bench.now_ns - began_ns == 10_000 * MS
        assert not bench.client.ready
        assert not bench.client.wants_connection
        bench.ring()
        assert bench.client.wants_connection
    assert bench.outcomes(RequestKind.CONNECT) == ["TIMEOUT", "TIMEOUT"]
    assert bench.problem == "a connection was not accepted within 10 s"
    assert bench.connect().count(b"HTTP/1.1\r\n") == 1


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (
            http(302, b"<html>", extra="location: http://other/login\r\n"),
            "answered 302 (expected 200 or 204); redirects are not followed: 'http://other/login'",
        ),
        (http(404, b"Not here\n"), "answered 404 (expected 200 or 204): 'Not here\\n'"),
        (http(503), "answered 503 (expected 200 or 204)"),
        (
            http(200, b"<html>", extra="content-type: text/html\r\n"),
            "answered 200, 'text/html' (expected JSON {\"events\": […], \"next\": …}): '<html>'",
        ),
        (
            http(200, b"\x1f\x8b", extra="content-encoding: gzip\r\n"),
            "got no usable answer: it has Content-Encoding 'gzip', not none: 'HTTP/1.1 200",
        ),
        (
            b"SSH-2.0-OpenSSH\r\n",
            "got no usable answer: it does not begin as an HTTP/1.1 answer: 'SSH-2.0-OpenSSH\\r\\n'",
        ),
    ],
)
def test_a_wrong_answer_says_why(answer: bytes, problem: str) -> None:
    bench = Bench("long_poll")
    bench.connect()
    bench.feed(answer)
    assert bench.problem.startswith(f"GET /poll/long {problem}")


def test_an_answer_that_does_not_come_says_so() -> None:
    bench = Bench("long_poll", hold_s=2.0)
    bench.connect()
    bench.ring()
    assert bench.problem == "GET /poll/long got no whole answer within 12 s"


def test_compression_that_no_answer_has_is_said() -> None:
    for encoding, problems in (("", 1), ("content-encoding: deflate\r\n", 0)):
        bench = Bench("long_poll", compression="deflate")
        bench.connect()
        bench.feed(http(204))
        plain = reply(1).partition(b"\r\n\r\n")[2]
        bench.feed(http(200, zlib.compress(plain) if encoding else plain, extra=encoding))
        bench.client.finish(bench.now_ns)
        assert len(list(bench.recorder.problems)) == problems
        assert bench.deliveries.payload_ok.all()


def test_a_body_of_megabytes_is_put_together() -> None:
    bench = Bench("long_poll")
    bench.connect()
    wide = reply(1, 2).partition(b"\r\n\r\n")[2] + b" " * 8_000_000
    data = http(200, wide)
    for start in range(0, len(data), 65536):
        bench.feed(data[start : start + 65536])
    assert bench.deliveries.seq.tolist() == [1, 2]


def test_a_cursor_too_old_ends_the_client() -> None:
    bench = Bench("short_poll")
    bench.connect()
    bench.client.begin(bench.now_ns, bench.now_ns)
    bench.ring()
    bench.feed(http(410, b'{"detail": "too old"}'))
    assert bench.client.cut_off
    assert bench.client.settled
    assert not bench.client.wants_connection
    assert bench.requests.status.tolist()[-1] == 410


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (http(500, b"oops"), "BAD_STATUS"),
        (http(200, b"not json"), "GARBLED"),
        (http(200, b'{"events": [{"seq": 1}], "next": 1}'), "GARBLED"),
        (b"SSH-2.0-OpenSSH\r\n", "GARBLED"),
    ],
)
def test_wrong_answers_are_records_and_not_crashes(answer: bytes, outcome: str) -> None:
    bench = Bench("long_poll")
    bench.connect()
    bench.feed(answer)
    assert bench.outcomes(RequestKind.POLL) == [outcome]
    bench.ring()
    assert cursor_of(bench.connect()) == 0


def test_an_answer_that_never_comes_is_a_timeout() -> None:
    bench = Bench("long_poll", hold_s=1.0)
    bench.connect()
    bench.ring()
    assert bench.outcomes(RequestKind.POLL) == ["TIMEOUT"]
    assert bench.requests.end_ns[-1] - bench.requests.start_ns[-1] >= 1000 * MS


def test_losses_duplicates_and_wrong_payloads_are_seen() -> None:
    bench = Bench("long_poll", events=4)
    bench.connect()
    bench.feed(reply(1, 3))
    bench.feed(reply(3, 4))
    assert bench.deliveries.seq.tolist() == [1, 3, 3, 4]
    assert not bench.client.settled
    wrong = wire.encode_event(wire.Event(2, 0, 0, "gamma"))
    bench.feed(http(200, wire.encode_poll_reply([wrong], 4)))
    assert bench.client.settled
    assert bench.deliveries.payload_ok.tolist() == [1, 1, 1, 1, 0]


def test_the_end_of_a_trial_leaves_no_request_unrecorded() -> None:
    bench = Bench("long_poll")
    bench.connect()
    bench.client.finish(bench.now_ns)
    assert bench.outcomes(RequestKind.POLL) == ["UNFINISHED"]
    assert not bench.client.wants_connection
