from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from analysis.trial.latency import (
    MeasuredLatencies,
    measure_ages,
    measure_latencies,
    median_ms,
)
from contract.records.measured import is_measured
from tests.fabricate import ECHO, Fabrication, first_trial, style
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
