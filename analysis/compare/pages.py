"""Writes compare.html, compare.md and comparison.json of one or more runs and their baseline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from analysis.charts.compared_runs import compared_charts
from analysis.charts.style import dark_counterparts
from analysis.compare.comparison import Comparison, ReportedRun
from analysis.compare.document import COMPARISON_FORMAT, comparison_document
from analysis.compare.words import changes_table, figure_tables, headline, how_compared
from analysis.report.inline_charts import InlineCharts
from analysis.report.page import render_html, render_markdown
from analysis.summary.results import Results
from contract.records import JsonObject, write_json, write_text

_TEMPLATES = Path(__file__).parent / "templates"


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
