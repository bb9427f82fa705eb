"""Time to connect and memory per client come from what was recorded around the connecting, or are not known."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from analysis.summary.pooled_costs import pooled_costs
from analysis.trial.connecting import Connecting, HeldMemory, held_memory, time_to_connect_s
from analysis.trial.measures import measure
from contract.records import SampleRole, Samples, Trial
from tests.fabricate import SMALL, first_trial, style

MS = 1_000_000
MB = 1_000_000


def connected_trial(rows: list[tuple[int, int, int]]) -> Trial:
    """Six clients, connecting 400 to 100 ms before the stream; samples are (ms before the stream, role, bytes)."""
    _, trial = first_trial("websocket", SMALL)
    t0_ns = trial.info.t0_ns
    count = len(trial.clients)
    clients = dataclasses.replace(
        trial.clients,
        connect_start_ns=np.linspace(t0_ns - 400 * MS, t0_ns - 300 * MS, count).astype(np.int64),
        ready_ns=np.linspace(t0_ns - 250 * MS, t0_ns - 100 * MS, count).astype(np.int64),
    )
    samples = Samples.from_rows(
        np.asarray([(t0_ns - before * MS, role, 0, size) for before, role, size in rows]).ravel(),
        core_busy_ns=0,
        stolen_ns=0,
        waited_ns=0,
        throttled_ns=0,
        worker=0,
    )
    return dataclasses.replace(trial, clients=clients, samples=samples)


SERVER, LOAD = int(SampleRole.SERVER), int(SampleRole.LOAD)
ROWS = [
    (900, SERVER, 10 * MB), (500, SERVER, 50 * MB), (300, SERVER, 70 * MB), (90, SERVER, 80 * MB),
    (20, SERVER, 95 * MB), (450, LOAD, 60 * MB), (50, LOAD, 72 * MB),
]  # fmt: skip


def test_it_takes_from_the_first_connect_to_the_last_that_is_ready() -> None:
    assert time_to_connect_s(connected_trial(ROWS)) == pytest.approx(0.3)


def test_memory_is_the_increase_between_the_samples_next_to_the_connecting() -> None:
    trial = connected_trial(ROWS)
    assert held_memory(trial, SampleRole.SERVER) == HeldMemory(50 * MB, 80 * MB)
    assert held_memory(trial, SampleRole.LOAD) == HeldMemory(60 * MB, 72 * MB)
    assert held_memory(trial, SampleRole.RELAY) is None
    assert HeldMemory(50 * MB, 80 * MB).per_client_bytes(6) == 5 * MB


def test_without_a_sample_on_either_side_it_is_not_known() -> None:
    assert held_memory(connected_trial([(90, SERVER, 1), (20, SERVER, 1)]), SampleRole.SERVER) is None
    assert held_memory(connected_trial([(900, SERVER, 1), (300, SERVER, 1)]), SampleRole.SERVER) is None


@pytest.mark.parametrize("column", ["connect_start_ns", "ready_ns"])
def test_a_client_that_was_never_connected_makes_it_unknown(column: str) -> None:
    trial = connected_trial(ROWS)
    times = getattr(trial.clients, column).copy()
    times[2] = 0
    trial = dataclasses.replace(trial, clients=dataclasses.replace(trial.clients, **{column: times}))
    assert time_to_connect_s(trial) is None
    assert held_memory(trial, SampleRole.SERVER) is None


def test_connecting_that_goes_on_during_the_stream_is_no_set_up() -> None:
    trial = connected_trial(ROWS)
    late_ns = trial.clients.ready_ns + 200 * MS
    assert (
        time_to_connect_s(dataclasses.replace(trial, clients=dataclasses.replace(trial.clients, ready_ns=late_ns)))
        is None
    )


def test_a_point_has_the_means_of_the_trials_that_know() -> None:
    known = Connecting(10, 2.0, {SampleRole.SERVER: HeldMemory(100, 200), SampleRole.LOAD: None})
    other = Connecting(10, 4.0, {SampleRole.SERVER: HeldMemory(100, 400), SampleRole.LOAD: None})
    nothing = Connecting(10, None, {SampleRole.SERVER: None, SampleRole.LOAD: None})
    _, trial = first_trial("websocket", SMALL)
    one = measure(trial, style("websocket"))
    found = pooled_costs([dataclasses.replace(one, connecting=each) for each in (known, other, nothing)], None)
    assert (found["time_to_connect_s"], found["server_connected_rss_bytes"]) == (3.0, 300.0)
    assert found["server_rss_bytes_per_client"] == 20.0
    # The trials' own spread, ±127 bytes, is small beside the steps in which a process takes memory.
    assert found["server_rss_bytes_per_client_ci95"] == pytest.approx([0, 20 + 1.96 * 2e6 / 10 / 2**0.5], rel=1e-3)
    assert (found["load_connected_rss_bytes"], found["load_rss_bytes_per_client"]) == (None, None)
