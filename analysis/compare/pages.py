"""Writes compare.html, compare.md and comparison.json of one or more runs and their baseline."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from analysis.charts.compared_runs import compared_charts
from analysis.charts.style import dark_counterparts
from analysis.compare.comparison import Comparison, ReportedRun
from analysis.compare.document import COMPARISON_FORMAT, comparison_document
from analysis.compare.words import HOW, changes_table, figure_tables, headline
from analysis.report.page import drawn, render_html, render_markdown
from analysis.summary.results import Results
from contract.records import JsonObject, write_json, write_text

_TEMPLATES = Path(__file__).parent / "templates"


def write_comparisons(folder: Path, comparisons: Sequence[Comparison]) -> Path:
    """Write the three files to the folder, in place of those of an earlier comparison; return the page's path."""
    folder.mkdir(parents=True, exist_ok=True)
    content: JsonObject = {
        "title": f"Compared with {comparisons[0].baseline.name}",
        "runs": [_run(i, comparison) for i, comparison in enumerate(comparisons)],
        "how": HOW,
    }
    page = folder / "compare.html"
    transports = [style for comparison in comparisons for style in comparison.baseline.info.transports]
    write_text(page, render_html(_TEMPLATES, "compare.html.j2", content, transports))
    write_text(folder / "compare.md", render_markdown(_TEMPLATES, "compare.md.j2", content))
    write_json(folder / "comparison.json", COMPARISON_FORMAT, comparison_document(comparisons))
    return page


def comparison_folder(results: Path, runs: Sequence[ReportedRun]) -> Path:
    """Return where a comparison of these runs is kept, so that the same one made again takes the place of the last."""
    return results / "compared" / "-against-".join(run.name for run in (*runs[1:], runs[0]))


def _run(number: int, comparison: Comparison) -> JsonObject:
    sides = [_results(run) for run in (comparison.baseline, comparison.other)]
    counterparts = dark_counterparts([style for side in sides for style in side.transports])
    charts = compared_charts(number, *sides)
    return {
        "baseline": comparison.baseline.name,
        "name": comparison.other.name,
        "headline": headline(comparison),
        "unlike": comparison.unlike,
        "notes": comparison.notes,
        "changes": changes_table(comparison),
        "tables": list(figure_tables(comparison)),
        "charts": [drawn(chart, chart.svg(), counterparts) for chart in charts],
    }


def _results(run: ReportedRun) -> Results:
    styles = [dataclasses.asdict(style) for style in run.info.transports]
    return Results.of({**run.summary, "transports": styles}, run.info.scenario["parameters"]).with_latency()
