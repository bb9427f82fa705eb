from __future__ import annotations

import itertools
import re
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.records import Outcome, RequestKind
from servers import wire
from tests.loadtests.bench import MS, PAYLOADS, Bench, http


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


def test_a_cut_is_recorded_and_the_client_resumes_at_its_cursor() -> None:
    bench = Bench("long_poll")
    bench.connect()
    bench.feed(reply(1, 2))
    bench.cut()
    assert not bench.client.wants_connection
    assert bench.outcomes(RequestKind.POLL) == ["ANSWERED", "LOST"]
    bench.ring()
    assert bench.client.wants_connection
    assert cursor_of(bench.connect()) == 2


def test_the_server_may_close_after_an_answer() -> None:
    bench = Bench("long_poll")
    bench.connect()
    assert bench.feed(http(204, extra="connection: close\r\n")) == b""
    assert not bench.client.wants_connection
    bench.ring()
    assert cursor_of(bench.connect()) == 0


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
