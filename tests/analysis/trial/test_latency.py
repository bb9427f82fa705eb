"""Latencies, the parts that they add up from, and the time within which an event reaches 99 % of the clients."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.summary.pooling import pool
from analysis.trial import latency
from analysis.trial.latency import (
    MeasuredLatencies,
    mean_reach_ms,
    measure_ages,
    measure_latencies,
    median_ms,
    split,
    written_at_ns,
)
from analysis.trial.measures import measure
from contract import quantiles
from contract.records import Deliveries, Trial, Written
from contract.records.measured import is_measured
from tests.fabricate import ECHO, SMALL, Fabrication, first_trial, style
from tests.fabricate_trial import Faults

NOISELESS = Fabrication(intervals_s=(), rates_per_s=(), noise_ms=0.0)


def measured(transport: str = "websocket", fabrication: Fabrication = NOISELESS, **faults: object) -> MeasuredLatencies:
    _, trial = first_trial(transport, fabrication, Faults(**faults))  # type: ignore[arg-type]  # fields of several types
    return measure_latencies(trial, style(transport))


def test_latency_is_arrival_minus_due_whatever_the_publisher_does() -> None:
    found = measured(publish_lag_ms=7.0, extra_latency_ms=3.0)
    assert found.latency_ms == pytest.approx(np.full(len(found.latency_ms), 25 + 7 + 3), abs=1e-5)
    assert (found.server_lag_ns == 7_000_000).all()


def test_the_parts_add_up_to_the_whole() -> None:
    found = measured("long_poll", Fabrication(intervals_s=(), rates_per_s=()))
    assert (found.server_lag_ns + found.delivery_ns == found.latency_ns).all()


def test_kernel_stamps_keep_the_clients_own_delay_out_of_the_latency() -> None:
    with_stamps, without = measured(client_delay_ms=9.0), measured(client_delay_ms=9.0, kernel_stamps=False)
    assert np.median(with_stamps.latency_ms) == pytest.approx(25.02, abs=1e-4)
    assert with_stamps.client_delay_ns is not None
    assert median_ms(with_stamps.client_delay_ns) == pytest.approx(9.0, abs=1e-4)
    assert np.median(without.latency_ms) == pytest.approx(34.02, abs=1e-4)
    assert without.client_delay_ns is None


def test_a_missing_stamp_falls_back_to_the_clients_and_is_counted() -> None:
    _, trial = first_trial("websocket", NOISELESS, Faults(client_delay_ms=9.0, missing_stamps=len_of_warm_up() + 2))
    found = measure_latencies(trial, style("websocket"))
    assert found.missing_stamps == 2
    assert found.latency_ms[:3] == pytest.approx([34.02, 34.02, 25.02], abs=1e-4)


def len_of_warm_up() -> int:
    """Deliveries of the first client before the first measured one."""
    _, trial = first_trial("websocket", NOISELESS)
    return int(np.flatnonzero(is_measured(trial))[0])


def test_warm_up_and_copies_are_not_measured() -> None:
    _, trial = first_trial("websocket", NOISELESS, Faults(duplicate=frozenset({(0, 30), (1, 31)})))
    rows = trial.deliveries.where(is_measured(trial))
    assert rows.due_ns.min() >= trial.info.window_start_ns
    pairs = set(zip(rows.client.tolist(), rows.seq.tolist(), strict=True))
    in_window = trial.published.due_ns >= trial.info.window_start_ns
    assert len(rows) == len(pairs) == int(in_window.sum()) * 6


def test_events_read_in_one_go_are_counted_on_open_channels_only() -> None:
    # Held back for long, an event and its successors arrive together.
    assert measured(delay_ms={(0, 40): 2000.0}).coalesced_stamps > 0
    assert measured("short_poll").coalesced_stamps == 0


@pytest.mark.parametrize("transport", ["websocket", "sse", "long_poll", "short_poll"])
def test_without_noise_only_the_publishers_lag_is_left_over(transport: str) -> None:
    found = measured(transport, publish_lag_ms=0.0)
    assert found.modelled.all()
    assert np.abs(found.residual_ns).max() < 100
    assert len(found.predicted_ns) == len(found.latency_ms)


@pytest.mark.parametrize("transport", ECHO)
def test_echo_messages_are_due_at_their_own_clients_phase(transport: str) -> None:
    fabrication = Fabrication(
        transports=ECHO, intervals_s=(), rates_per_s=(), arrival="periodic", noise_ms=0.0, measured_s=4.0
    )
    found = measured(transport, fabrication)
    assert found.modelled.all()
    assert np.abs(found.residual_ns).max() < 100
    assert found.model_ns[0] == (100_000_000 if transport == "echo_post_new" else 50_000_000)


def test_the_lost_are_predicted_but_not_measured() -> None:
    found = measured(drop=frozenset({(0, 40), (3, 41)}))
    assert len(found.predicted_ns) - len(found.latency_ms) == 2


@pytest.mark.parametrize("disorder", [False, True])
def test_reads_are_told_apart_by_client_and_time_in_any_order(disorder: bool) -> None:
    _, trial = first_trial("websocket", NOISELESS)
    rows = trial.deliveries
    together = rows.user_ns // 400_000_000
    shuffled = np.random.default_rng(3).permutation(together) if disorder else together
    rows.user_ns[:] = trial.info.t0_ns + shuffled
    counted = rows.where(is_measured(trial))
    reads = len({*zip(counted.client.tolist(), counted.user_ns.tolist(), strict=True)})
    assert 1 < reads < len(counted)
    assert measure_latencies(trial, style("websocket")).coalesced_stamps == len(counted) - reads


@pytest.mark.parametrize("name", ["websocket", "short_poll"])
def test_arrivals_at_hand_give_the_same_figures_and_a_duplicate_counts_when_it_came_first(name: str) -> None:
    _, trial = first_trial(name, NOISELESS, Faults(duplicate=frozenset({(0, 5)}), delay_ms={(1, 7): 30.0}))
    own = style(name)
    came_ns = trial.arrivals_ns(trial.deliveries)
    alone, shared = measure_latencies(trial, own), measure_latencies(trial, own, came_ns)
    assert shared.latency_ms.tolist() == alone.latency_ms.tolist()
    plain, ages = measure_ages(trial, own), measure_ages(trial, own, came_ns)
    assert plain is not None
    assert ages is not None
    assert ages.to_ns.tolist() == plain.to_ns.tolist()
    first = trial.deliveries.where(np.append(True, np.diff(trial.deliveries.seq) != 0))
    assert len(first) == len(trial.deliveries) - 1
    undoubled = measure_ages(dataclasses.replace(trial, deliveries=first), own)
    assert undoubled is not None
    assert ages.to_ns.tolist() == undoubled.to_ns.tolist()


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


@given(
    clients=st.integers(1, 30), events=st.integers(0, 8), seed=st.integers(0, 99), step=st.sampled_from([1, 40, 10**6])
)
def test_it_is_the_mean_of_each_events_own_quantile(clients: int, events: int, seed: int, step: int) -> None:
    rng = np.random.default_rng(seed)
    latency_ns = rng.integers(-5_000_000, 90_000_000, (clients, events))
    counted = rng.random((clients, events)) < 0.8
    each = [
        quantiles.quantiles(latency_ns[counted[:, event], event], [0.99])[0]
        for event in range(events)
        if counted[:, event].any()
    ]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(latency, "_CELLS_AT_ONCE", step)
        found = mean_reach_ms(latency_ns, counted)
    assert found == (pytest.approx(np.mean(each) / 1e6) if each else None)


def test_a_push_reaches_all_its_clients_after_one_transit_and_the_systems_own_time() -> None:
    _, trial = first_trial("websocket", SMALL)
    found = pool([measure(trial, style("websocket"))], style("websocket"))["reach_ms"]
    assert found["model_p99"] == 25.0
    assert 25.0 < found["p99"] < 26.0
    assert found["p99_ci95"] is None


def test_round_trips_have_none() -> None:
    _, trial = first_trial("echo_post", dataclasses.replace(SMALL, transports=ECHO))
    assert pool([measure(trial, style("echo_post"))], style("echo_post"))["reach_ms"] is None
