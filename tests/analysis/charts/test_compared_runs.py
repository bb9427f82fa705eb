"""Charts of two runs laid over each other."""

from __future__ import annotations

import copy

from analysis.charts.compared_runs import compared_charts
from analysis.summary.results import Results
from tests.analysis import made_summary as made


def test_means_and_requests_are_those_that_tables_show() -> None:
    """Tables show them without the luck of a run's few events; p95, which these runs lack, would be drawn first."""
    summary = copy.deepcopy(made.standard())
    for point in summary["points"]:
        point["latency_ms"] |= {"p95": None, "p95_ci95": None}
        estimates = point["estimates"]
        estimates["mean_ms"] = estimates["mean_ms"] | {"value": 77.7, "ci95": [77.0, 78.0]}
        estimates["requests_per_s"] = estimates["requests_per_s"] | {"value": 3.21, "ci95": [3.2, 3.22]}
    run = Results.of(summary, made.BASE)
    latency = {chart.name: chart.caption for chart in compared_charts(1, run, run)}["compared-1-latency-requests"]
    assert latency.startswith("Mean of latency")
    assert latency.count("77.7 ms and 77.7 ms") >= 4
