"""The analysis of one trial of 100,000 deliveries, step by step."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from analysis.models.registry import MODELS
from analysis.models.schedule import schedule_of
from analysis.statistics.distribution import distribution_of
from analysis.trial.latency import measure_ages, measure_latencies
from analysis.trial.ledger import keep_ledger
from analysis.trial.measures import measure
from contract.records import Deliveries, Trial
from tests.fabricate import Fabrication, first_trial, style

CLIENTS = 1000
LARGE = Fabrication(clients=CLIENTS, warm_up_s=0.5, measured_s=9.5, blocks=1)
MODELLED = ("websocket", "short_poll", "long_poll")


@pytest.fixture(scope="module")
def pushed() -> Trial:
    _, trial = first_trial("websocket", LARGE)
    return trial


def test_ledger(benchmark: BenchmarkFixture, pushed: Trial) -> None:
    rows, events = pushed.deliveries, pushed.info.expected_events
    arrived_ns = pushed.arrivals_ns(rows)
    late_after_ns = pushed.info.window_end_ns

    ledger = benchmark(
        lambda: keep_ledger(
            rows.client,
            rows.seq,
            arrived_ns,
            rows.payload_ok,
            clients=CLIENTS,
            events=events,
            late_after_ns=late_after_ns,
        )
    )
    assert ledger.totals()["delivered"] == len(rows)


def test_quantiles(benchmark: BenchmarkFixture, pushed: Trial) -> None:
    latency_ns = measure_latencies(pushed, style("websocket")).latency_ns
    found = benchmark(lambda: distribution_of(latency_ns))
    assert found["p50"] <= found["p99"]


def test_ages(benchmark: BenchmarkFixture, pushed: Trial) -> None:
    ages = measure_ages(pushed, style("websocket"))
    assert ages is not None
    shares = benchmark(lambda: ages.older_than([0.0, 10.0, 100.0, 1000.0]))
    assert (shares >= 0).all()


@pytest.mark.parametrize("name", MODELLED)
def test_all_measures_of_a_trial(benchmark: BenchmarkFixture, name: str) -> None:
    _, trial = first_trial(name, LARGE)
    measures = benchmark(lambda: measure(trial, style(name)))
    assert len(measures.latencies)


@pytest.mark.parametrize("name", MODELLED)
def test_own_schedule_model(benchmark: BenchmarkFixture, name: str) -> None:
    _, trial = first_trial(name, LARGE)
    entry = style(name)
    prediction = benchmark(lambda: MODELS[entry.model].on_schedule(schedule_of(trial, entry)))
    assert prediction.reached.all()


def test_table_load(benchmark: BenchmarkFixture, pushed: Trial, tmp_path: Path) -> None:
    pushed.deliveries.save(tmp_path)
    loaded = benchmark(lambda: Deliveries.load(tmp_path))
    assert len(loaded) == len(pushed.deliveries)
