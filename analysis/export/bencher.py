"""`bencher`: Bencher Metric Format, a benchmark per point, with 95 % intervals as lower and upper values."""

from __future__ import annotations

import json
from collections.abc import Iterator

from analysis.compare.comparison import ReportedRun
from analysis.export.labels import marked_name_parts
from analysis.summary.point_figures import POINT_FIGURES
from contract.records import JsonObject
from contract.summary import Point


def lines(run: ReportedRun) -> Iterator[str]:
    """Yield the JSON document as one text, with slugs as names of measures: `latency-ms-p95` for `latency_ms.p95`."""
    benchmarks = {" ".join(marked_name_parts(run, point)): _measures(run, point) for point in run.summary.points}
    yield json.dumps(benchmarks, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _measures(run: ReportedRun, point: Point) -> JsonObject:
    measures: JsonObject = {}
    for figure in POINT_FIGURES.values():
        value = figure.value(point)
        if value is None:
            continue
        bounds = figure.interval(point, run.pilot_blocks)
        limits = {} if bounds is None else {"lower_value": bounds[0], "upper_value": bounds[1]}
        measures[figure.name.replace("_", "-").replace(".", "-")] = {"value": value, **limits}
    return measures
