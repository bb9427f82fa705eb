"""report.html and report.md: the verdict first, then figures, charts, method, validity, machine and how to rerun.

The HTML is one file that downloads nothing and is whole without scripts: styles inline, charts as inline SVG whose
colours are CSS variables, so that one drawing serves light, dark and print.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

from analysis.charts.style import dark_counterparts
from analysis.formatting import NOT_MEASURED, figure, interval, listed
from analysis.report.capacity_tables import NOTE as CAPACITY_NOTE
from analysis.report.capacity_tables import capacity_findings, capacity_tables
from analysis.report.certainty_tables import noise_table, precision_table, worker_table
from analysis.report.glossary import GLOSSARY
from analysis.report.inline_charts import DrawnChart, InlineCharts
from analysis.report.narrative import completeness, how_measured, trial_documents, validity_checks
from analysis.report.page import TEMPLATES, fence_of, render_html, render_markdown
from analysis.report.scale_tables import scale_notes, scale_tables
from analysis.report.tables import (
    Table,
    deviation_table,
    effect_table,
    ledger_table,
    main_table,
    parts_table,
    request_table,
    server_table,
    split_table,
    sweep_tables,
)
from analysis.report.wrong_way_tables import wrong_way_tables
from analysis.summary.results import Results
from analysis.trial.validity import LOSES_ON_PURPOSE
from analysis.verdict.invalid_reasons import WHERE_ALL_ARE, further_kinds
from contract.records import SCENARIO_FILE, JsonObject, RunInfo, write_text
from contract.summary import Summary

if TYPE_CHECKING:
    from analysis.charts.canvas import Chart

PROJECT_FOLDER = Path(__file__).resolve().parents[2]
_INTERVALS = "Brackets: 95 % intervals from the spread between trials, left out where narrower than the digits shown."
_CORRECTED = (
    "Means and requests per event of polls are corrected for the luck of a run's few events, by the model on the "
    "trials' own schedules, and so are charts, verdict and differences; plain is the figure of all deliveries."
)
_FEW_WAITS = (
    "Where few events can be expected to wait for a poll, trials hardly differ, and plain figures have no interval."
)
_GAPS = f"{NOT_MEASURED} not measured, or nothing to measure (a push sends no polls): never a zero."


def write_charts(run_folder: Path, charts: list[Chart], results: Results) -> list[DrawnChart]:
    """Write every chart to charts/, and delete the charts of an earlier report."""
    folder = run_folder / "charts"
    folder.mkdir(exist_ok=True)
    for stale in [*folder.glob("*.svg"), *folder.glob("*.png")]:
        stale.unlink()
    counterparts = dark_counterparts(results.transports)
    inline = InlineCharts(counterparts)
    return [inline.add(chart, chart.write(folder, counterparts)) for chart in charts]


_OPENING_CHARTS = {"crossover-map", "hero", "round-trip", "lanes"}
"""Charts before all tables: the answer in a picture, and what each transport did with the same events."""


def write_report(run_folder: Path, run: RunInfo, results: Results, charts: list[DrawnChart]) -> tuple[Path, Path]:
    """Write report.html and report.md from a summary and its drawn charts, and return their paths."""
    content = _content(run_folder, run, results, charts)
    code = content["rerun"]
    content |= {"rerun_code": Markup(code), "rerun_fence": fence_of(code)}  # Markdown's code is as it is
    html, markdown = run_folder / "report.html", run_folder / "report.md"
    write_text(html, render_html(TEMPLATES, "report.html.j2", content, results.transports))
    write_text(markdown, render_markdown(TEMPLATES, "report.md.j2", content))
    return html, markdown


def _content(run_folder: Path, run: RunInfo, results: Results, charts: list[DrawnChart]) -> JsonObject:
    summary, scenario = results.summary, run.scenario
    tables: list[Table] = []
    if results.points:
        beside = [*_also(server_table(results)), *_also(effect_table(results))]
        tables = [main_table(results), *beside, *sweep_tables(results)]
    wrong_ways = wrong_way_tables(results) if results.points else []
    makers = (split_table, deviation_table, noise_table, precision_table, worker_table)
    further = [make(results) for make in makers] if results.points else []
    detail_tables = [parts_table(results), *(table for table in further if table)] if results.points else []
    return {
        "title": f"Push against poll: {summary.scenario}",
        "verdict": verdict_line(summary),
        "verdict_lines": summary.verdict_lines,
        "invalid": not summary.valid or bool(summary.wrong_way),
        "invalid_reasons": further_reasons(summary),
        "completeness": completeness(summary),
        "description": _sentence(scenario.get("description", "")),
        "started_at": f"{run.started:%Y-%m-%d %H:%M} UTC",
        "machine_line": _machine_line(run.machine),
        "wrong_way_tables": wrong_ways,
        "capacity_tables": capacity_tables(results),
        "capacity_findings": capacity_findings(results),
        "capacity_note": CAPACITY_NOTE,
        "base_table": tables[0] if tables else None,
        "tables": tables[1:],
        "table_note": _note(tables, results),
        "wrong_way_note": _GAPS if any(table.has_gaps for table in wrong_ways) else "",
        "scale_tables": scale_tables(results),
        "scale_notes": scale_notes(results),
        "opening_charts": [chart for chart in charts if chart.name in _OPENING_CHARTS],
        "charts": [chart for chart in charts if chart.name not in _OPENING_CHARTS],
        "how": how_measured(run, results, trial_documents(run_folder)),
        "detail_tables": detail_tables,
        "checks": validity_checks(results),
        "validity_line": _validity_line(summary),
        "point_reasons": _point_reasons(results),
        "point_reasons_title": WHERE_ALL_ARE,
        "warnings": summary.warnings,
        "ledgers": [ledger_table(results), request_table(results)] if results.points else [],
        "facts_note": _facts_note(run),
        "fact_lists": [
            _facts({**run.machine, **_speed(summary)}),
            _facts({**_code(run), **run.versions}),
            _facts(run.settings),
        ],
        "seed_note": seed_note(run),
        "rerun": rerun_commands(run, run_folder.resolve()),
        "glossary": sorted(GLOSSARY, key=lambda term: term.name),
    }


def seed_note(run: RunInfo) -> str:
    """Return the seed of the run, where it came from, and what it repeats."""
    drawn = "SEED" not in run.asked
    origin = (
        "It was drawn for this run."
        if drawn
        else "It was given, not drawn: intervals mean what they say unless it was chosen for what it shows."
    )
    what = "the same streams, phases of clients and orders of trials"
    return f"Seed {run.seed}; repeat with SEED={run.seed} ({what}). {origin}"


def rerun_commands(run: RunInfo, folder: Path) -> str:
    """Return the commands that repeat this run and its report, a line each, for the project's folder."""
    if folder.is_relative_to(PROJECT_FOLDER):
        folder = folder.relative_to(PROJECT_FOLDER)
    kept = PROJECT_FOLDER / folder / SCENARIO_FILE
    scenario = folder / SCENARIO_FILE if kept.is_file() else run.scenario["name"]
    asked = {"SCENARIO": scenario, **run.asked, "SEED": run.seed}
    words = [f"{name}={shlex.quote(str(value))}" for name, value in asked.items()]
    return f"make bench {' '.join(words)}\nmake report RUN={shlex.quote(str(folder))}"


def _also(table: Table | None) -> list[Table]:
    return [] if table is None else [table]


def verdict_line(summary: Summary) -> str:
    """Return the report's first line: the verdict, or that there is none and why."""
    if summary.valid or summary.wrong_way or summary.verdict.startswith("INVALID"):
        return summary.verdict
    return f"INVALID: {summary.verdict}"


def further_reasons(summary: Summary) -> list[str]:
    """Return why the run is invalid, kind by kind, without what its first line states already."""
    if not summary.wrong_way:
        return further_kinds(summary.invalid_reasons, stated=1)
    return further_kinds([reason for reason in summary.invalid_reasons if LOSES_ON_PURPOSE not in reason], stated=0)


def _sentence(text: str) -> str:
    """Return a text with a full stop if it ends without one, since others follow it."""
    text = text.strip()
    return f"{text}." if text and not text.endswith((".", "!", "?", "…")) else text


def _facts_note(run: RunInfo) -> str | None:
    """Return whose machine and versions are listed if the server was not started by the harness, or None."""
    if not run.running_servers:
        return None
    return (
        f"Machine and versions are those of the load. Of the server at {listed(run.running_servers)}, which was "
        "already running, neither is known."
    )


def _machine_line(machine: JsonObject) -> str:
    names = [
        machine.get("processor"),
        f"{machine['cores']} cores" if machine.get("cores") else None,
        f"a CPU quota of {machine['cpu_quota_cores']:g} cores" if machine.get("cpu_quota_cores") else None,
        machine.get("system"),
    ]
    return listed([name for name in names if name]) or "an unnamed machine"


def _note(tables: list[Table], results: Results) -> str:
    """Return the meaning of brackets and dashes, and how corrected figures were corrected."""
    points = results.points
    corrected = any(figure.corrected for point in points if point.estimates for figure in point.estimates.values())
    few_waits = any(point.intervals_withheld for point in points)
    gaps = any(table.has_gaps for table in tables)
    said = ((_INTERVALS, True), (_CORRECTED, corrected), (_FEW_WAITS, few_waits), (_GAPS, gaps))
    return " ".join(sentence for sentence, applies in said if applies)


def _validity_line(summary: Summary) -> str:
    if summary.wrong_way:
        return "The comparison is wrong on purpose: no verdict is drawn from this run, whatever passed its checks."
    if summary.valid and summary.overload and not all(point.valid for point in summary.points):
        return (
            "Some points are more than the server can take, on purpose: their latencies are no figures to use. Every "
            "other point passed every check."
        )
    if summary.valid:
        return "Every point that the verdict needs passed every check."
    return "At least one point that the verdict needs failed a check: no verdict is drawn from this run."


def _point_reasons(results: Results) -> list[str]:
    labels = {style.name: style.label for style in results.transports}
    return [
        f"{labels[point.transport]}: {reason}"
        for point in results.points
        if not point.valid
        for reason in point.invalid_reasons
    ]


def _code(run: RunInfo) -> JsonObject:
    if run.checkout is None:
        return {}
    changes = "" if run.checkout["clean"] else ", with changes that are not in it"
    return {"commit": f"{run.checkout['commit']}{changes}"}


def _speed(summary: Summary) -> JsonObject:
    """Return how fast the machine was, as a fact; nothing in runs that have not timed it."""
    found = summary.fixed_work_ms
    return {} if found is None else {"fixed piece of work": f"{figure(found.value)} ms {interval(found.ci95)}".strip()}


def _facts(document: JsonObject) -> list[tuple[str, str]]:
    return [(name.removesuffix("_bytes").replace("_", " "), _fact(name, value)) for name, value in document.items()]


def _fact(name: str, value: object) -> str:
    if value is None:
        return NOT_MEASURED
    if name.endswith("_bytes") and isinstance(value, int):
        return f"{value / 2**30:.1f} GiB"
    return ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else str(value)
