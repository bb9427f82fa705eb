from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.summary.pooling import pool
from analysis.trial.latency import measure_latencies
from analysis.trial.latency_parts import split, written_at_ns
from analysis.trial.measures import measure
from contract.records import Deliveries, Trial, Written
from tests.fabricate import Fabrication, first_trial, style

NOISELESS = Fabrication(intervals_s=(), rates_per_s=(), noise_ms=0.0)
stamps = st.integers(0, 2**60)


def delivery(client: int, seq: int, *, due: int = 0, published: int = 0, user: int = 0) -> tuple[int, ...]:
    return (client, seq, due, published, 0, user, 1)


def deliveries(*rows: tuple[int, ...]) -> Deliveries:
    return Deliveries.from_rows([value for row in rows for value in row])


@given(st.lists(st.tuples(stamps, stamps, stamps, stamps, stamps), min_size=1, max_size=20), st.booleans())
def test_the_parts_of_each_delivery_add_up_to_the_nanosecond(
    times: list[tuple[int, int, int, int, int]], traced: bool
) -> None:
    rows = deliveries(
        *(delivery(0, i + 1, due=due, published=pub, user=user) for i, (due, pub, _, _, user) in enumerate(times))
    )
    written_ns = np.array([written for _, _, written, _, _ in times])
    arrival_ns = np.array([arrival for _, _, _, arrival, _ in times])
    parts = split(rows, arrival_ns, written_ns if traced else None)
    queue_ns = np.zeros(len(rows), dtype=np.int64) if parts.queue_ns is None else parts.queue_ns
    assert (parts.queue_ns is not None) == traced
    until_arrival = parts.server_lag_ns + queue_ns + parts.delivery_ns
    assert until_arrival.tolist() == (arrival_ns - rows.due_ns).tolist()
    assert (until_arrival + parts.client_delay_ns).tolist() == (rows.user_ns - rows.due_ns).tolist()


@given(st.permutations([(client, seq) for client in range(4) for seq in range(1, 6)]))
def test_each_delivery_is_joined_with_the_write_of_its_own_client_and_seq(pairs: list[tuple[int, int]]) -> None:
    rows = deliveries(*(delivery(client, seq, user=10**6) for client, seq in pairs))
    trace = Written.from_rows(
        [v for client, seq in sorted(pairs, reverse=True) for v in (client, seq, 100 * client + seq)]
    )
    found = written_at_ns(rows, trace)
    assert found is not None
    assert found.tolist() == [100 * client + seq for client, seq in pairs]


@pytest.mark.parametrize(("read_at", "expected"), [(40, 10), (60, 50), (99, 50), (120, 100), (5, 10)])
def test_of_several_writes_the_last_before_the_read_counts(read_at: int, expected: int) -> None:
    trace = Written.from_rows([0, 1, 100, 0, 1, 10, 0, 2, 70, 0, 1, 50])
    found = written_at_ns(deliveries(delivery(0, 1, user=read_at)), trace)
    assert found is not None
    assert found.tolist() == [expected]


def test_a_trace_with_a_gap_is_no_trace() -> None:
    rows = deliveries(delivery(0, 1), delivery(0, 2), delivery(1, 1))
    assert written_at_ns(rows, Written.from_rows([0, 1, 5, 0, 2, 6])) is None
    assert written_at_ns(rows, Written.empty()) is None
    assert written_at_ns(rows, None) is None


def traced(trial: Trial, after_publish_ns: int) -> Trial:
    """The trial as if its server had written each event that long after publishing it."""
    rows = trial.deliveries
    return dataclasses.replace(trial, written=Written(rows.client, rows.seq, rows.published_ns + after_publish_ns))


def test_a_trace_splits_the_delivery_and_leaves_the_latency_alone() -> None:
    _, trial = first_trial("websocket", NOISELESS)
    plain = measure_latencies(trial, style("websocket"))
    split_up = measure_latencies(traced(trial, 3_000_000), style("websocket"))
    assert plain.queue_ns is None
    assert split_up.queue_ns is not None
    assert set(split_up.queue_ns.tolist()) == {3_000_000}
    assert split_up.delivery_ns.tolist() == (plain.delivery_ns - 3_000_000).tolist()
    assert (split_up.latency_ms == plain.latency_ms).all()


def test_a_point_has_a_queue_only_where_all_its_trials_were_traced() -> None:
    _, trial = first_trial("websocket", NOISELESS)
    plain, with_trace = (measure(t, style("websocket")) for t in (trial, traced(trial, 3_000_000)))
    whole = pool([with_trace, with_trace], style("websocket"))["parts_ms"]
    mixed = pool([with_trace, plain], style("websocket"))["parts_ms"]
    assert whole["queue"] == {"mean": 3.0, "p50": 3.0, "p99": None}, "a p99 needs a thousand events"
    assert mixed["queue"] is None
    assert mixed["delivery"]["mean"] == pytest.approx(whole["delivery"]["mean"] + 3.0)
    total = sum(whole[part]["mean"] for part in ("server_lag", "queue", "delivery"))
    assert total == pytest.approx(pool([plain], style("websocket"))["latency_ms"]["mean"])
