"""Records of several load processes: all on one clock when read, and those of earlier versions as they were."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from contract.records import ClockPairs, Trial, WorkerInfo, worker_of_clients
from loadtests.plan.pilot import p50_ms
from tests.fabricate import first_trial
from tests.fabricate_workers import by_workers

OLD = Path(__file__).parent / "fixtures" / "trial-version-1"
SKEW_NS = 123_456_789_012


def test_a_trial_of_version_1_had_a_single_load_process() -> None:
    assert json.loads((OLD / "trial.json").read_text())["version"] == 1
    trial = Trial.load(OLD)
    assert trial.info.workers == ()
    for table in (trial.clock, trial.loop_lag, trial.samples):
        assert table.worker.tolist() == [0] * len(table)
    assert p50_ms(trial) == pytest.approx(25.1, abs=1.0)


@pytest.mark.parametrize("transport", ["websocket", "short_poll"])
def test_times_of_every_worker_are_read_on_one_clock(transport: str, tmp_path: Path) -> None:
    _, plain = first_trial(transport)
    by_workers(plain, (0, SKEW_NS)).save(tmp_path)
    trial = Trial.load(tmp_path)
    for name in ("deliveries", "requests", "sockets", "clients"):
        table, expected = getattr(trial, name), getattr(plain, name)
        for column in table.column_names():
            if column != "kernel_realtime_ns":
                assert getattr(table, column).tolist() == getattr(expected, column).tolist(), (name, column)
    assert np.abs(trial.arrivals_ns(trial.deliveries) - plain.arrivals_ns(plain.deliveries)).max() <= 1
    assert p50_ms(trial) == pytest.approx(p50_ms(plain), abs=1e-3)


def test_clients_that_stamp_their_own_events_stamp_them_on_their_workers_clock(tmp_path: Path) -> None:
    _, plain = first_trial("websocket")
    by_workers(plain, (0, SKEW_NS)).save(tmp_path / "server")
    assert Trial.load(tmp_path / "server").deliveries.due_ns.tolist() == plain.deliveries.due_ns.tolist()
    capable = {**plain.info.capabilities, "clients_stamp": True}
    sender = dataclasses.replace(plain, info=dataclasses.replace(plain.info, capabilities=capable))
    by_workers(sender, (0, SKEW_NS)).save(tmp_path / "clients")
    assert Trial.load(tmp_path / "clients").deliveries.due_ns.tolist() == plain.deliveries.due_ns.tolist()


def test_clients_belong_to_the_worker_in_whose_range_they_are() -> None:
    def worker(index: int, first: int, clients: int) -> WorkerInfo:
        return WorkerInfo(index, "here", first, clients, 0, 0, 0, 0, "complete")

    workers = (worker(0, 0, 2), worker(1, 2, 3), worker(2, 0, 0))
    assert worker_of_clients(workers, np.arange(5)).tolist() == [0, 0, 1, 1, 1]
    assert worker_of_clients((), np.arange(3)).tolist() == [0, 0, 0]


def test_kernel_stamps_are_moved_with_the_pairs_of_their_own_worker() -> None:
    _, plain = first_trial("websocket")
    trial = by_workers(plain, (0, 0))
    second = trial.clock.worker == 1
    # The second host's wall clock is an hour ahead.
    hour_ns = 3600 * 10**9
    ahead = ClockPairs(
        trial.clock.monotonic_ns, trial.clock.realtime_ns + hour_ns * second, trial.clock.bracket_ns, trial.clock.worker
    )
    theirs = worker_of_clients(trial.info.workers, trial.deliveries.client) == 1
    stamps = trial.deliveries.kernel_realtime_ns + hour_ns * theirs
    moved = dataclasses.replace(
        trial, clock=ahead, deliveries=dataclasses.replace(trial.deliveries, kernel_realtime_ns=stamps)
    )
    assert np.abs(moved.arrivals_ns(moved.deliveries) - plain.arrivals_ns(plain.deliveries)).max() <= 1
