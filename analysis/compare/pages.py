"""Writes compare.html, compare.md and comparison.json of one or more runs and their baseline."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from analysis.charts.compared_runs import compared_charts
from analysis.charts.style import dark_counterparts
from analysis.compare.comparison import Comparison, ReportedRun, Row
from analysis.compare.words import changes_table, figure_tables, headline, how_compared
from analysis.report.inline_charts import InlineCharts
from analysis.report.page import render_html, render_markdown
from analysis.summary.results import Results
from contract.errors import UserError
from contract.records import JsonObject, write_json, write_text

COMPARISON_FORMAT = "push-vs-poll/comparison"
_SIGNIFICANT_DIGITS = 6


def comparison_document(comparisons: Sequence[Comparison]) -> JsonObject:
    """Return the fields of comparison.json (docs/using/formats.md)."""
    return {
        "baseline": comparisons[0].baseline.name,
        "runs": [
            {
                "run": comparison.other.name,
                "unlike": list(comparison.unlike),
                "notes": list(comparison.notes),
                "figures": [
                    {
                        "figure": each.figure.name,
                        "unit": each.figure.unit,
                        "rows": [_row(row) for row in each.rows if row.contrast is not None],
                    }
                    for each in comparison.figures
                ],
            }
            for comparison in comparisons
        ],
    }


def _row(row: Row) -> JsonObject:
    found = row.contrast
    assert found is not None
    return {
        "point": row.label,
        "transport": row.transport,
        "geometric_mean": row.geometric_mean,
        "baseline": _rounded(found.baseline),
        "value": _rounded(found.value),
        "ratio": _rounded(found.ratio),
        "ratio_ci95": _rounded(found.ratio_ci95),
        "difference": _rounded(found.difference.value),
        "difference_ci95": _rounded(found.difference.ci95),
        "p_value": _rounded(found.p_value),
        "adjusted_p_value": _rounded(found.adjusted_p_value),
        "margin_ratio": _rounded(found.margin_ratio),
        "paired": found.paired,
        "outcome": found.outcome.value,
        "trials_needed": found.trials_needed,
    }


def _rounded(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_rounded(each) for each in value]
    if value is None or not math.isfinite(value):
        return None
    return float(f"{value:.{_SIGNIFICANT_DIGITS}g}")


_TEMPLATES = Path(__file__).parent / "templates"


def check_folder(folder: Path) -> None:
    """Raise UserError if there is a file where the folder, or one above it, should be."""
    first = next((path for path in (folder, *folder.parents) if path.exists()), folder)
    if first.exists() and not first.is_dir():
        raise UserError(f"{first}: not a folder (expected OUT=a folder that exists or can be made)")


def write_comparisons(folder: Path, comparisons: Sequence[Comparison]) -> Path:
    """Write the three files to the folder, in place of those of an earlier comparison; return the page's path."""
    folder.mkdir(parents=True, exist_ok=True)
    transports = [style for comparison in comparisons for style in comparison.transports]
    inline = InlineCharts(dark_counterparts(transports))
    content: JsonObject = {
        "title": f"Compared with {comparisons[0].baseline.name}",
        "runs": [_run(i, comparison, inline) for i, comparison in enumerate(comparisons)],
        "how": how_compared(comparisons),
    }
    page = folder / "compare.html"
    write_text(page, render_html(_TEMPLATES, "compare.html.j2", content, transports))
    write_text(folder / "compare.md", render_markdown(_TEMPLATES, "compare.md.j2", content))
    write_json(folder / "comparison.json", COMPARISON_FORMAT, comparison_document(comparisons))
    return page


def comparison_folder(results: Path, runs: Sequence[ReportedRun]) -> Path:
    """Return where a comparison of these runs is kept, so that the same one made again takes the place of the last."""
    return results / "compared" / "-against-".join(run.name for run in (*runs[1:], runs[0]))


def _run(number: int, comparison: Comparison, inline: InlineCharts) -> JsonObject:
    charts = compared_charts(number, _results(comparison.baseline), _results(comparison.other))
    return {
        "baseline": comparison.baseline.name,
        "name": comparison.other.name,
        "headline": headline(comparison),
        "unlike": comparison.unlike,
        "notes": comparison.notes,
        "changes": changes_table(comparison),
        "tables": list(figure_tables(comparison)),
        "charts": [inline.add(chart, chart.svg()) for chart in charts],
    }


def _results(run: ReportedRun) -> Results:
    summary = replace(run.summary, transports=run.info.transports)
    return Results.of(summary, run.info.base_parameters).with_latency()
