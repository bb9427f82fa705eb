"""Which reports are believed, what they add up to, and that a liar moves nobody else's figure."""

from __future__ import annotations

import json
import random
import statistics
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classroom.joining.class_results import (
    BIN_EDGES_MS,
    CLOCK_SLACK_MS,
    MAX_REPORT_ROWS,
    MAX_UNCERTAINTY_MS,
    ClassResults,
    Participant,
    Refusal,
    Report,
    ReportError,
    Sample,
    parse_report,
)

MS = 1_000_000
FOUR = ("websocket", "sse", "long_poll", "short_poll")
HONEST, LIAR = 11, 22
DELAY_MS = 50.0


class Server:
    """Evidence: events due 100 ms apart, each published and sent 1 ms after it was due."""

    def __init__(self, events: int = 20, sent_to: frozenset[tuple[int, str]] = frozenset(), late_ns: int = MS) -> None:
        self.events = events
        self.late_ns = late_ns
        self.sent_to = sent_to or frozenset({(HONEST, "websocket"), (LIAR, "websocket")})

    def published(self, seq: int) -> tuple[int, int] | None:
        due_ns = seq * 100 * MS
        return (due_ns, due_ns + MS) if 1 <= seq <= self.events else None

    def sent_after_ns(self, client: int, transport: str, seq: int) -> int | None:
        published = self.published(seq)
        return None if published is None or (client, transport) not in self.sent_to else published[0] + self.late_ns

    def missed(self, client: int, transport: str) -> int:
        return client if (client, transport) in self.sent_to else 0


NOW_NS = 20 * 100 * MS + 500 * MS


def report(
    rows: list[tuple[int, float]], transport: str = "websocket", run: int = 1, uncertainty_ms: float = 2
) -> Report:
    return Report(type="report", run=run, uncertainty_ms=uncertainty_ms, transports={transport: rows})


def begun(sample_limit: int = 1000) -> ClassResults:
    results = ClassResults(FOUR, sample_limit)
    results.begin(1, DELAY_MS)
    return results


def take(results: ClassResults, reported: Report, client: int = HONEST, now_ns: int = NOW_NS) -> dict[Refusal, int]:
    return dict(results.take(participant(client), reported, Server(), now_ns))


def participant(client: int = HONEST, name: int = 1, since_ns: int = 0) -> Participant:
    return Participant(client, name, ("websocket",), since_ns)


def websocket(results: ClassResults, *participants: Participant) -> Any:
    summary: Any = results.summary(participants or (participant(),), Server())
    return summary["transports"]["websocket"]


def test_what_is_possible_is_taken() -> None:
    results = begun()
    assert take(results, report([(seq, 51.0 + seq) for seq in range(1, 21)])) == {}
    found = websocket(results)
    assert found["deliveries"] == 20
    assert found["latency_ms"]["p50"] == pytest.approx(51 + 10.5)
    assert found["latency_ms"]["max"] == 71
    assert sum(count for *_, count in found["histogram"]) == 20
    assert found["device_medians_ms"] == [[1, 61.5]]


@pytest.mark.parametrize(
    ("reported", "reason"),
    [
        (report([(21, 60.0)]), Refusal.UNKNOWN_EVENT),
        (report([(2**60, 60.0)]), Refusal.UNKNOWN_EVENT),
        (report([(1, 0.0)]), Refusal.TOO_EARLY),
        (report([(1, -1e9)]), Refusal.TOO_EARLY),
        (report([(1, 51.0 - 2 - CLOCK_SLACK_MS - 0.1)]), Refusal.TOO_EARLY),
        (report([(20, 500.0 + 2 + CLOCK_SLACK_MS + 0.1)]), Refusal.IN_FUTURE),
        (report([(1, 1e300)]), Refusal.IN_FUTURE),
        (report([(1, 60.0)], transport="sse"), Refusal.NOT_ASSIGNED),
        (report([(1, 60.0)], transport="no such thing"), Refusal.NOT_ASSIGNED),
        (report([(1, 60.0)], run=2), Refusal.OTHER_RUN),
    ],
)
def test_what_is_impossible_is_refused_and_counted(reported: Report, reason: Refusal) -> None:
    results = begun()
    assert take(results, reported) == {reason: 1}
    summary: Any = results.summary([participant()], Server())
    assert summary["refused"] == {reason.value: 1}
    assert summary["refused_devices"] == [1]
    assert summary["transports"]["websocket"]["deliveries"] == 0
    assert summary["transports"]["websocket"]["latency_ms"] == {"p50": None, "p95": None, "max": None}


@pytest.mark.parametrize("latency_ms", [51.0 - 2 - CLOCK_SLACK_MS + 0.1, 51.0, 500.0, 2400.0 + 2])
def test_what_the_clocks_error_allows_is_taken(latency_ms: float) -> None:
    results = begun()
    assert take(results, report([(1, latency_ms)])) == {}
    assert websocket(results)["deliveries"] == 1


def test_a_poll_cannot_have_an_event_before_it_asked() -> None:
    results, server = begun(), Server(late_ns=900 * MS)
    possible_ms = 900 + DELAY_MS - CLOCK_SLACK_MS - 2
    refused = results.take(participant(), report([(1, possible_ms - 0.1), (2, possible_ms + 0.1)]), server, NOW_NS)
    assert refused == {Refusal.TOO_EARLY: 1}


@pytest.mark.parametrize(
    "reported",
    [
        report([(1, 60.0), (99, -5.0)], run=0),
        report([(1, 60.0)], uncertainty_ms=MAX_UNCERTAINTY_MS + 1),
        report([(1, 60.0)], transport="sse"),
    ],
    ids=["of the run before", "by a bad clock", "over the transport of before"],
)
def test_what_an_honest_device_may_report_is_left_out_and_held_against_nobody(reported: Report) -> None:
    results = begun()
    server = Server(sent_to=frozenset({(HONEST, "websocket"), (HONEST, "sse")}))
    assert results.take(participant(), reported, server, NOW_NS) == {}
    summary: Any = results.summary([participant()], server)
    assert (summary["refused"], summary["refused_devices"]) == ({}, [])
    assert [one["deliveries"] for one in summary["transports"].values()] == [0] * len(FOUR)


def test_a_device_whose_clock_is_too_uncertain_is_named_until_it_is_better() -> None:
    results = begun()
    take(results, report([(1, 60.0)], uncertainty_ms=MAX_UNCERTAINTY_MS + 1))
    summary: Any = results.summary([participant()], Server())
    assert (summary["clock_unknown_devices"], summary["clock_uncertainty_ms"]["max"]) == ([1], None)
    take(results, report([(2, 60.0)]))
    summary = results.summary([participant()], Server())
    assert (summary["clock_unknown_devices"], summary["clock_uncertainty_ms"]["max"]) == ([], 2)
    assert summary["transports"]["websocket"]["deliveries"] == 1


def test_what_was_never_sent_to_this_device_is_refused() -> None:
    results = begun()
    refused = results.take(participant(33), report([(1, 60.0), (2, 60.0)]), Server(), NOW_NS)
    assert refused == {Refusal.NOT_SENT: 2}


def test_an_event_counts_once_for_a_device() -> None:
    results = begun()
    for reported, client in ((report([(1, 60.0), (1, 70.0)]), HONEST), (report([(1, 80.0)]), HONEST)):
        take(results, reported, client)
    take(results, report([(1, 60.0)]), LIAR)
    assert websocket(results)["latency_ms"]["max"] == 60
    assert websocket(results)["deliveries"] == 2


def test_a_liar_does_not_move_the_others_figures() -> None:
    honest, beside_a_liar = begun(), begun()
    rows = [(seq, 60.0 + seq) for seq in range(1, 21)]
    take(honest, report(rows))
    take(beside_a_liar, report([(seq, 0.5) for seq in range(1, 2000)]), LIAR)
    take(beside_a_liar, report(rows))
    take(beside_a_liar, report([(seq, 1e7) for seq in range(1, 2000)]), LIAR)
    assert websocket(honest) == websocket(beside_a_liar)


def test_a_device_that_leaves_takes_nothing_from_the_others() -> None:
    results = begun()
    take(results, report([(1, 60.0)]))
    take(results, report([(1, 70.0)]), LIAR)
    results.forget(LIAR)
    summary: Any = results.summary([participant()], Server())
    assert summary["devices"] == summary["transports"]["websocket"]["devices"] == 1
    assert summary["transports"]["websocket"]["deliveries"] == 2
    assert summary["transports"]["websocket"]["device_medians_ms"] == [[1, 60.0]]
    assert summary["refused_devices"] == []


def test_a_new_run_starts_from_nothing() -> None:
    results = begun()
    take(results, report([(1, 60.0), (99, 1.0)]))
    results.begin(2, DELAY_MS)
    summary: Any = results.summary([participant()], Server())
    assert summary["run"] == 2
    assert summary["refused"] == {}
    assert summary["clock_uncertainty_ms"] == {"p50": None, "max": None}
    assert take(results, report([(1, 60.0)], run=2)) == {}


def test_clock_uncertainty_is_of_those_who_are_here() -> None:
    results = begun()
    for client, uncertainty_ms in ((1, 1.0), (2, 3.0), (3, 40.0), (4, 200.0)):
        results.take(participant(client), report([], uncertainty_ms=uncertainty_ms), Server(), NOW_NS)
    summary: Any = results.summary([participant(client) for client in (1, 2, 3)], Server())
    assert summary["clock_uncertainty_ms"] == {"p50": 3.0, "max": 40.0}


def test_missed_is_the_servers_own_count_of_those_who_are_here() -> None:
    results = begun()
    assert websocket(results, participant())["missed"] == HONEST
    assert websocket(results, participant(), participant(LIAR, 2))["missed"] == HONEST + LIAR


def test_what_was_due_before_the_page_opened_is_left_out_and_is_no_lie() -> None:
    results = begun()
    late = participant(since_ns=1000 * MS)
    refused = results.take(late, report([(9, 1500.0), (10, 60.0), (11, 60.0)]), Server(), NOW_NS)
    assert refused == {}
    assert websocket(results, late)["deliveries"] == 2
    assert websocket(results, late)["latency_ms"]["max"] == 60


@given(st.lists(st.floats(0, 1e5), min_size=1, max_size=300))
def test_a_sample_below_its_limit_is_exact(latencies_ms: list[float]) -> None:
    sample = Sample(limit=2000)
    for latency_ms in latencies_ms:
        sample.add(latency_ms)
    assert sorted(sample.kept_ms) == sorted(latencies_ms)
    assert sample.quantiles_ms()["p50"] == pytest.approx(statistics.median(latencies_ms), abs=0.001)
    assert sum(count for *_, count in sample.histogram()) == len(latencies_ms)


def test_a_sample_beyond_its_limit_stays_small_and_fair() -> None:
    sample = Sample(limit=500, rng=random.Random(1))
    values = list(range(20_000))
    for value in values:
        sample.add(float(value))
    assert (sample.count, len(sample.kept_ms), sample.max_ms) == (20_000, 500, 19_999)
    # The median of 500 of 20,000 has a standard error of 20000 · 0.5/√500 = 447: five of them are allowed.
    assert abs(float(sample.quantiles_ms()["p50"] or 0) - 10_000) < 5 * 447


def test_bins_join_and_cover_what_a_class_can_see() -> None:
    assert BIN_EDGES_MS[0] == 1
    assert BIN_EDGES_MS[-1] == pytest.approx(100_000)
    sample = Sample()
    for latency_ms in (0.0, 1.0, 10.0, 99_999.0, 1e9):
        sample.add(latency_ms)
    bins = sample.histogram()
    assert [count for *_, count in bins] == [2, 1, 2]
    assert all(lo < hi for lo, hi, _ in bins)


def message(**changed: object) -> str:
    fields: dict[str, object] = {"type": "report", "run": 1, "uncertainty_ms": 0.5, "transports": {"sse": [[1, 50.5]]}}
    return json.dumps(fields | changed)


def test_a_report_is_read_as_it_was_sent() -> None:
    read = parse_report(json.loads(message()))
    assert (read.run, read.uncertainty_ms, read.transports) == (1, 0.5, {"sse": [(1, 50.5)]})


@pytest.mark.parametrize(
    "text",
    [
        "null", "[]", "{}", '"report"', "7",
        message(type="other"), message(run="1"), message(run=-1), message(run=1.5), message(run=True),
        message(extra=1), message(uncertainty_ms=-1), message(uncertainty_ms=float("nan")),
        message(uncertainty_ms="0.5"), message(transports=[]), message(transports={"sse": 1}),
        message(transports={"sse": [[1]]}), message(transports={"sse": [[1, 2, 3]]}),
        message(transports={"sse": [["1", 2]]}), message(transports={"sse": [[1, "2"]]}),
        message(transports={"sse": [[0, 2]]}), message(transports={"sse": [[1, float("inf")]]}),
        message(transports={"sse": [[True, 2]]}), message(transports={"sse": ["12"]}),
        message(transports={"sse": [[1, 1]] * (MAX_REPORT_ROWS + 1)}),
        message(transports={str(i): [] for i in range(9)}),
        message(transports={"\ud800": [1]}), message(transports={"x" * 60_000: 1}),
    ],
)  # fmt: skip
def test_anything_else_is_refused_in_one_short_sentence(text: str) -> None:
    with pytest.raises(ReportError) as caught:
        parse_report(json.loads(text))
    assert len(str(caught.value)) < 300
    assert "\n" not in str(caught.value)
