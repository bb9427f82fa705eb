"""Which quantiles there are events enough for, from the rule to the report."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.report.tables import main_table
from analysis.statistics import inference
from analysis.statistics.distribution import (
    LATENCY_QUANTILES,
    distribution_of,
    least_events,
    spread_of,
    too_few_events,
    withhold_quantiles,
)
from analysis.summarize import summarize_run
from analysis.summary.results import Results
from contract.quantiles import quantiles
from contract.records import Ints, load_run_info
from tests.analysis import made_summary as made
from tests.fabricate import ECHO, SMALL, fabricate_run
from tests.runs import summarized


@pytest.mark.parametrize(("share", "events"), [(0.5, 20), (0.9, 100), (0.95, 200), (0.99, 1000), (0.999, 10_000)])
def test_ten_events_lie_beyond_a_quantile(share: float, events: int) -> None:
    assert least_events(share) == events


def test_what_rests_on_too_few_events_is_none() -> None:
    figures = {"mean": 3.0, "p50": 2.0, "p90": 5.0, "p95": 6.0, "p99": 7.0, "max": 9.0}
    assert too_few_events(LATENCY_QUANTILES, 199) == ["p95", "p99"]
    assert withhold_quantiles(figures, LATENCY_QUANTILES, 199) == {**figures, "p95": None, "p99": None}
    assert withhold_quantiles(figures, LATENCY_QUANTILES, 1000) == figures


def test_events_count_and_not_deliveries_and_those_of_all_trials(tmp_path: Path) -> None:
    """Three trials of 80 events, each delivered to every client: enough for a p95, not for a p99."""
    folder = fabricate_run(tmp_path / "run", dataclasses.replace(SMALL, measured_s=8.0, blocks=3, clients=6))
    summary = summarized(folder)
    push, poll = (next(p for p in summary["points"] if p["transport"] == name) for name in ("websocket", "short_poll"))
    for point in (push, poll):
        assert point["events"] == 240 and point["deliveries"] == 6 * 240
        assert point["latency_ms"]["p95"] is not None and point["latency_ms"]["p95_ci95"] is not None
        assert point["latency_ms"]["p99"] is None and point["latency_ms"]["p99_ci95"] is None
        assert point["quantiles_withheld"]["events"] == 240
        assert point["quantiles_withheld"]["needed"] == {"p99": 1000}
        assert point["quantiles_withheld"]["reason"] == (
            "its trials have 240 events together (expected at least 1,000 for a p99)"
        )
        assert point["parts_ms"]["delivery"]["p99"] is None and point["residual_ms"]["p99"] is None
    assert poll["against_reference"]["p95_difference_ms"] is not None
    table = main_table(made.results(summary, load_run_info(folder).base_parameters))
    row = dict(zip(table.columns, table.rows[0], strict=True))
    assert (row["p99 ms"].text, row["p99 ms"].small) == ("—", "240 of 1,000 events")
    assert any("no p99, which needs 1,000 events" in warning for warning in summary["warnings"])


def test_a_quantile_of_too_few_events_is_compared_with_nothing_and_named_nowhere(tmp_path: Path) -> None:
    short = dataclasses.replace(SMALL, measured_s=5.0, blocks=3)
    summary = summarized(fabricate_run(tmp_path / "run", short))
    poll = next(point for point in summary["points"] if point["transport"] == "short_poll")
    assert poll["against_reference"]["p95_difference_ms"] is None
    assert poll["against_reference"]["p50_difference_ms"] is not None
    reference, *others = summary["verdict_lines"]
    assert "p95" not in reference and "p50" in reference
    assert not any("p95" in line for line in others)
    assert "half of the events" in summary["verdict"]


def test_a_round_trips_messages_are_each_an_event(tmp_path: Path) -> None:
    echo = dataclasses.replace(SMALL, transports=ECHO, measured_s=5.0, blocks=1, clients=6)
    summary = summarized(fabricate_run(tmp_path / "run", echo))
    assert all(point["events"] == 50 and point["deliveries"] > 250 for point in summary["points"])
    assert all(point["latency_ms"]["p95"] is not None for point in summary["points"])


@pytest.mark.parametrize(("clients", "known"), [(25, True), (24, False)])
def test_a_p99_9_needs_ten_thousand_events_and_is_not_missed_without_them(
    tmp_path: Path, clients: int, known: bool
) -> None:
    """Two trials of 200 messages of each client."""
    echo = dataclasses.replace(SMALL, transports=ECHO[:1], measured_s=20.0, blocks=2, clients=clients)
    folder = fabricate_run(tmp_path / "run", echo)
    seen: list[Ints] = []
    summary = summarize_run(folder, lambda _trial, _style, measures: seen.append(measures.latencies.latency_ns))
    [point] = summary.points
    table = main_table(Results.of(summary, load_run_info(folder).base_parameters))
    assert ("p99.9 ms" in table.columns) == ("p999" in point["latency_ms"]) == known
    assert ("latency_ms.p999" in point["by_block"]) == known
    assert point["quantiles_withheld"] is None
    assert "p99.9" not in " ".join(summary["warnings"]) and "p999" not in " ".join(summary["warnings"])
    if known:
        latencies_ms = np.sort(np.concatenate(seen)) / 1e6
        expected_ms = latencies_ms[math.ceil(0.999 * len(latencies_ms)) - 1]
        assert point["latency_ms"]["p999"] == pytest.approx(expected_ms, rel=1e-5)
        low, high = point["latency_ms"]["p999_ci95"]
        assert low < point["latency_ms"]["p999"] < high


def test_intervals_of_a_p99_9_hold_the_truth_as_often_as_they_say() -> None:
    """Of ten trials of 1000 log-normal latencies, 400 times; seeded, so that it is the same each time."""
    latencies = np.sort(np.random.default_rng(3).lognormal(0.0, 1.0, (400, 10, 1000)))
    truth = math.exp(3.090232)
    hits = 0
    for run in latencies:
        pooled = quantiles(run.ravel(), [0.999])[0]
        found = inference.interval(pooled, run[:, 998].tolist(), 0, spread_of("p999"))
        assert found is not None
        hits += found[0] <= truth <= found[1]
    assert hits / len(latencies) >= 0.94


@given(st.lists(st.integers(-(2**33), 2**33) | st.integers(-1000, 1000), min_size=1, max_size=40))
def test_a_distribution_of_whole_nanoseconds_is_that_of_the_milliseconds(values: list[int]) -> None:
    values_ms = np.array(values) / 1e6
    found = distribution_of(np.array(values, dtype=np.int64))
    assert found is not None
    assert [found[name] for name in LATENCY_QUANTILES] == quantiles(values_ms, list(LATENCY_QUANTILES.values()))
    assert found["max"] == values_ms.max()
    assert found["mean"] == pytest.approx(values_ms.mean(), rel=1e-9, abs=1e-9)


def test_without_any_there_is_no_distribution() -> None:
    assert distribution_of(np.empty(0, dtype=np.int64)) is None
