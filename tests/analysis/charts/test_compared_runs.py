"""Charts of two runs laid over each other."""

from __future__ import annotations

import copy

import numpy as np
from matplotlib.text import Text

from analysis.charts.compared_runs import compared_charts
from tests.analysis import made_summary as made


def test_means_and_requests_are_those_that_tables_show() -> None:
    """Tables show them without the luck of a run's few events; p95, which these runs lack, would be drawn first."""
    summary = copy.deepcopy(made.standard())
    for point in summary["points"]:
        point["latency_ms"] |= {"p95": None, "p95_ci95": None}
        estimates = point["estimates"]
        estimates["mean_ms"] = estimates["mean_ms"] | {"value": 77.7, "ci95": [77.0, 78.0]}
        estimates["requests_per_s"] = estimates["requests_per_s"] | {"value": 3.21, "ci95": [3.2, 3.22]}
    run = made.results(summary, made.BASE)
    latency = {chart.name: chart.caption for chart in compared_charts(1, run, run)}["compared-1-latency-requests"]
    assert latency.startswith("Mean of latency")
    assert latency.count("77.7 ms and 77.7 ms") >= 4


def test_no_name_covers_a_mark_of_either_run() -> None:
    """As where one run's last mark lies where a name beside the other's would be."""
    ours, theirs = made.standard(), copy.deepcopy(made.standard())
    for point in theirs["points"]:
        point["server_cpu_us_per_event"] *= 0.85
    charts = {
        chart.name: chart
        for chart in compared_charts(1, *(made.results(summary, made.BASE) for summary in (ours, theirs)))
    }
    for name in ("compared-1-server-cpu-us-per-event-rate-per-s", "compared-1-latency-rate-per-s"):
        figure = charts[name].figure
        figure.draw_without_rendering()
        [axes] = figure.axes
        lines = [line for line in axes.get_lines() if line.get_marker() != "None"]
        marks = [axes.transData.transform(xy) for line in lines for xy in np.asarray(line.get_xydata())]
        assert axes.texts
        for text in axes.texts:
            box = Text.get_window_extent(text)
            assert not [mark for mark in marks if box.contains(*mark)], text.get_text()
