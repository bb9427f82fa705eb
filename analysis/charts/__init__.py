"""The charts of a report. Importing this package loads Matplotlib: import it only where charts are drawn."""

from __future__ import annotations

import os

# Matplotlib reads the user's settings when it is imported, and some of them make the import fail.
os.environ["MATPLOTLIBRC"] = os.devnull
os.environ.pop("MPLBACKEND", None)

from analysis.charts.bars import bytes_chart, cpu_chart, time_chart
from analysis.charts.canvas import Chart
from analysis.charts.crossover_map import crossover_map_chart
from analysis.charts.distribution import distribution_chart
from analysis.charts.factors import factors_chart
from analysis.charts.freshness import freshness_chart
from analysis.charts.hero import hero_chart
from analysis.charts.lanes import lanes_chart
from analysis.charts.model_fit import model_chart
from analysis.charts.raw_records import BaseTrials, Residuals
from analysis.charts.residuals import residuals_chart
from analysis.charts.round_trip import round_trip_chart
from analysis.charts.scale import scale_chart
from analysis.charts.servers import servers_chart
from analysis.charts.sweeps import latency_against, requests_against, scaling_chart
from analysis.charts.timeline import timeline_chart
from analysis.summary.results import Results

__all__ = ["Chart", "draw_charts"]


def draw_charts(results: Results, trials: list[BaseTrials], residuals: list[Residuals]) -> list[Chart]:
    """Return the charts that apply to a run, in the order in which a report shows them."""
    swept = [name for name in results.varied_numbers(shared=True) if name != "clients"]
    candidates = [
        crossover_map_chart(results),
        hero_chart(results),
        round_trip_chart(results),
        lanes_chart(results, trials),
        distribution_chart(results, trials),
        freshness_chart(results, trials),
        timeline_chart(results, trials),
        time_chart(results),
        *(time_chart(results, name) for name in results.varied_numbers(shared=True)),
        *(latency_against(results, name) for name in swept),
        *(requests_against(results, name) for name in swept),
        scale_chart(results) or scaling_chart(results),
        servers_chart(results),
        factors_chart(results),
        bytes_chart(results),
        cpu_chart(results),
        model_chart(results),
        residuals_chart(residuals),
    ]
    return [chart for chart in candidates if chart is not None]
