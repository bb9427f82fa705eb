"""`csv` and `jsonl`: a line per point, with its parameters and figures.

In CSV each figure has its 95 % interval beside it; in JSON Lines a point is as in summary.json.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator

from analysis.compare.comparison import ReportedRun
from analysis.export.labels import run_labels
from analysis.summary.point_figures import POINT_FIGURES
from contract.records import as_document
from contract.summary import Point


def csv_lines(run: ReportedRun) -> Iterator[str]:
    """Yield a header and a line per point; an empty cell is a figure that was not measured."""
    points = run.summary.points
    parameters = list(dict.fromkeys(name for point in points for name in point.parameters))
    yield _line(["transport", "valid", "run_valid", "trials", *parameters, *_figure_columns()])
    for point in points:
        own = [point.parameters.get(name) for name in parameters]
        validity = [point.valid, run.summary.valid]
        yield _line([point.transport, *validity, point.trials, *own, *_figures(run, point)])


def _figure_columns() -> list[str]:
    return [f"{name}{ending}" for name in POINT_FIGURES for ending in ("", "_low", "_high")]


def _figures(run: ReportedRun, point: Point) -> Iterator[float | None]:
    for figure in POINT_FIGURES.values():
        bounds = figure.interval(point, run.pilot_blocks)
        yield figure.value(point)
        yield from (None, None) if bounds is None else bounds


def _line(cells: list[object]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()


def json_lines(run: ReportedRun) -> Iterator[str]:
    """Yield a JSON object per point, which begins with the run's name, scenario, start, commit and validity."""
    of_run = run_labels(run)
    for point in run.summary.points:
        yield json.dumps({**of_run, **as_document(point)}, ensure_ascii=False, allow_nan=False) + "\n"
