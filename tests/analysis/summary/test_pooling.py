from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import pytest

from analysis.summary.pooling import load_processes_of, pool
from analysis.trial.measures import TrialMeasures, measure
from contract.records import SampleRole, Trial, worker_of_clients
from tests.fabricate import first_trial, style
from tests.fabricate_workers import by_workers


def shared(transport: str = "websocket", ends: Sequence[str] | None = None, uncertainty_ns: int = 0) -> Trial:
    return by_workers(first_trial(transport)[1], (0, 0), uncertainty_ns, ends)


def measured(trial: Trial) -> TrialMeasures:
    return measure(trial, style(trial.info.transport))


def without(trial: Trial, worker: int, from_seq: int) -> Trial:
    """As if the clients of this worker had received nothing from `from_seq` on."""
    theirs = worker_of_clients(trial.info.workers, trial.deliveries.client) == worker
    return dataclasses.replace(trial, deliveries=trial.deliveries.where(~theirs | (trial.deliveries.seq < from_seq)))


def test_several_processes_that_all_saw_the_end_change_no_figure() -> None:
    for transport in ("websocket", "long_poll", "short_poll"):
        plain, several = measured(first_trial(transport)[1]), measured(shared(transport))
        assert several.reasons == plain.reasons == ()
        assert pool([several], style(transport)) == pool([plain], style(transport))


@pytest.mark.parametrize("transport", ["websocket", "long_poll", "short_poll"])
def test_a_trial_without_the_records_of_a_worker_that_died_is_invalid_for_that_alone(transport: str) -> None:
    trial = shared(transport, ends=("complete", "died"))
    theirs = {
        name: worker_of_clients(trial.info.workers, getattr(trial, name).client) == 1
        for name in ("deliveries", "requests", "sockets", "clients")
    } | {name: getattr(trial, name).worker == 1 for name in ("clock", "loop_lag")}
    tables = {name: getattr(trial, name).where(~own) for name, own in theirs.items()}
    clients = int(theirs["clients"].sum())
    found = measured(dataclasses.replace(trial, **tables))
    assert found.ledger["lost"] == clients * trial.info.expected_events
    assert found.reasons == (
        f"worker 1 on host died in mid-trial: there are no records of its {clients} clients (3 to 5), so all their "
        "deliveries count as lost (all workers must send their records at the end): look at that machine, and run "
        "again",
    )
    assert pool([found], style(transport))["latency_ms"]["p50"] is not None


def test_a_gap_at_a_worker_that_saw_the_end_is_a_loss() -> None:
    found = measured(without(shared(), worker=1, from_seq=40))
    assert found.ledger["lost"] > 0
    assert any("deliveries lost" in reason for reason in found.reasons)


@pytest.mark.parametrize(("uncertainty_ms", "withheld"), [(2.4, False), (2.7, True)])
def test_one_way_figures_are_withheld_where_a_clock_is_not_known_to_a_tenth_of_them(
    uncertainty_ms: float, withheld: bool
) -> None:
    # The network's 25 ms, and a tenth of a millisecond.
    found = measured(shared(uncertainty_ns=round(uncertainty_ms * 1e6)))
    assert not [reason for reason in found.reasons if "clock" in reason], "it says nothing of requests and bytes"
    point = pool([found], style("websocket"))
    for figure in (point["latency_ms"]["p50"], point["parts_ms"]["delivery"], point["freshness"]):
        assert (figure is None) == withheld
    assert (point["residual_ms"]["p50"] is None) == withheld
    assert point["parts_ms"]["server_lag"] is not None, "both of its stamps are the server's"
    assert point["parts_ms"]["client_delay"] is not None, "both of its stamps are the client's"
    assert point["bytes_per_event"]["total"] > 0
    if withheld:
        assert point["latency_withheld"]["trials"] == 1
        assert point["latency_withheld"]["uncertainty_ms"] == pytest.approx(uncertainty_ms)
        assert (
            "the clock of worker 0 on host is known against the server's to ±2.7 ms, more than 10% of the median"
            in (point["latency_withheld"]["reason"])
        )
    else:
        assert point["latency_withheld"] is None


def test_a_round_trip_needs_no_second_clock() -> None:
    _, plain = first_trial("websocket")
    round_trip = dataclasses.replace(style("websocket"), model="round_trip")
    trial = by_workers(plain, (0, 0), uncertainty_ns=10**9)
    found = measure(trial, round_trip)
    assert found.withheld is None
    assert found.clock_uncertainty_ms == 0


def test_the_worker_whose_timers_are_late_is_named() -> None:
    trial = shared()
    lag = trial.loop_lag
    slow = dataclasses.replace(lag, lag_ns=np.where(lag.worker == 1, 80_000_000, lag.lag_ns))
    reasons = measured(dataclasses.replace(trial, loop_lag=slow)).reasons
    assert [reason for reason in reasons if "timers of worker 1 on host fired" in reason]
    assert not [reason for reason in reasons if "worker 0" in reason]


def test_the_busiest_process_is_judged_and_all_are_paid_for() -> None:
    trial = shared()
    load = trial.samples.where(trial.samples.role == SampleRole.LOAD)
    others = trial.samples.where(trial.samples.role != SampleRole.LOAD)
    busier = dataclasses.replace(load, cpu_ns=2 * load.cpu_ns, worker=np.ones_like(load.worker))
    both = dataclasses.replace(trial, samples=others.followed_by(load).followed_by(busier))
    alone, together = measured(trial).processors[SampleRole.LOAD], measured(both).processors[SampleRole.LOAD]
    assert alone is not None
    assert together is not None
    assert together.cpu_ns == pytest.approx(3 * alone.cpu_ns)
    assert together.ratio == pytest.approx(2 * alone.ratio)


def test_the_summary_has_the_worst_of_each_worker() -> None:
    first = shared(uncertainty_ns=5000).info
    second = shared(ends=("complete", "died"), uncertainty_ns=7000).info
    dead = second.workers[1]
    second = dataclasses.replace(second, workers=(second.workers[0], dataclasses.replace(dead, drift_ns=None)))
    found = load_processes_of([first, second])
    assert [(worker.index, worker.trials, worker.clients) for worker in found] == [(0, 2, 3), (1, 2, 3)]
    assert [worker.clock_uncertainty_us for worker in found] == [7.0, 7.0]
    assert found[1].ends == {"complete": 1, "died": 1}
    assert found[1].clock_drift_us == 0
    assert load_processes_of([first_trial("websocket")[1].info]) == ()
