"""`python -m analysis report|summary|results|compare|gate|export|…`: the command line of the analysis."""

from __future__ import annotations

import argparse
import os
import re
import sys
import webbrowser
from collections.abc import Sequence
from enum import IntEnum
from pathlib import Path
from string import ascii_uppercase
from typing import TYPE_CHECKING

from rich.table import Table as ConsoleTable

from analysis.report.tables import SERVER_COLUMN, Table, main_table, server_table
from analysis.summarize import write_summary
from analysis.summary.results import Results
from contract.errors import UserError
from contract.records import SUMMARY_FILE, RunInfo, load_run_info
from contract.summary import Summary
from terminal.console import PlainConsole
from terminal.plain import plain, print_error

if TYPE_CHECKING:
    from analysis.compare.comparison import ReportedRun

RESULTS_FOLDER = Path(__file__).resolve().parent.parent / "results"
_LATEST = "latest"
_RUN_NAME = re.compile(r"\d{8}T\d{6}Z-")
"""The beginning of a run folder's name: the time at which it was created."""
_CONSOLE_COLUMNS = 8
"""The number of columns of the report's tables that fit into a terminal, without intervals."""


class ExitStatus(IntEnum):
    """The exit status of a command. `make` itself exits with 2 whenever a command does not exit with 0."""

    OK = 0
    BROKEN = 1
    """A budget is broken."""
    USAGE = 2
    """A mistake that the user can correct."""
    INVALID = 3
    """The run is INVALID, so that nothing can be concluded from it."""
    UNDECIDED = 4
    """No budget is broken, but some are undecided: more trials are needed."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    options = _parser().parse_args(arguments)
    try:
        status: ExitStatus = options.command(options)
    except UserError as error:
        print_error(error)
        return ExitStatus.USAGE
    except OSError as error:
        print_error(f"{error.filename or 'output'}: {error.strerror or error}")
        return ExitStatus.USAGE
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m analysis", description=__doc__)
    names = "report|summary|results|compare|gate|export|detectable|keys|schema"
    commands = parser.add_subparsers(required=True, metavar=names)
    report = commands.add_parser("report", help="summary.json, charts, report.html and report.md from raw records")
    report.add_argument("run", metavar="RUN", help="folder of a run, or latest")
    report.set_defaults(command=_report)
    summary = commands.add_parser("summary", help="summary.json alone")
    summary.add_argument("run", metavar="RUN", help="folder of a run, or latest")
    summary.set_defaults(command=_summary)
    results = commands.add_parser("results", help="write results/index.html, the page of all runs, and open it")
    results.set_defaults(command=_results)
    compare = commands.add_parser("compare", help="compare reported runs with a baseline, or the servers of one run")
    compare.add_argument("baseline", metavar="A", help="the baseline: folder of a run, or latest")
    compare.add_argument(
        "others",
        metavar="B",
        nargs="*",
        help="folder of a run, or latest; none: compare the servers of A with its first",
    )
    compare.add_argument("--out", default="", help="folder for compare.html, compare.md and comparison.json")
    compare.add_argument("--force", action="store_true", help="compare runs even if they are not comparable")
    compare.set_defaults(command=_compare)
    gate = commands.add_parser("gate", help="check a reported run against budgets")
    gate.add_argument("run", metavar="RUN", help="folder of a run, or latest")
    gate.add_argument("--budget", required=True, metavar="FILE", help="budget.toml (docs/using/ci.md)")
    gate.add_argument("--base", default="", metavar="RUN", help="the run to which over_base_at_most is relative")
    gate.add_argument("--junit", default="", metavar="FILE", help="where to write JUnit XML")
    gate.add_argument("--force", action="store_true", help="use a base even if it is not comparable")
    gate.set_defaults(command=_gate)
    keys = commands.add_parser("keys", help="print docs/using/summary.md: every key of summary.json")
    keys.set_defaults(command=_keys)
    schema = commands.add_parser("schema", help="print docs/summary.schema.json: the JSON Schema of summary.json")
    schema.set_defaults(command=_schema)
    export = commands.add_parser("export", help="write a reported run in a format of other programs")
    export.add_argument("run", metavar="RUN", help="folder of a run, or latest")
    export.add_argument("--format", required=True, help="one of those in docs/using/export.md")
    export.add_argument("--out", required=True, metavar="FILE", help="a new file, or - for standard output")
    export.set_defaults(command=_export)
    detectable = commands.add_parser("detectable", help="smallest differences that a planned run can show")
    detectable.add_argument("run", metavar="RUN", help="folder of a run, of which run.json is enough, or latest")
    detectable.add_argument("--results", type=Path, default=RESULTS_FOLDER, help="folder of earlier runs (results)")
    detectable.set_defaults(command=_detectable)
    return parser


def _report(options: argparse.Namespace) -> ExitStatus:
    folder = run_folder(options.run)
    # Matplotlib takes half a second to load: only a report draws.
    from analysis.charts import draw_charts
    from analysis.charts.raw_records import ChartMaterial
    from analysis.report.narrative import completeness
    from analysis.report.render import further_reasons, verdict_line, write_charts, write_report

    run = load_run_info(folder)
    material = ChartMaterial(run)
    summary = write_summary(folder, material.add)
    results = Results.of(summary, run.base_parameters)
    drawn = draw_charts(results.with_latency(), material.base_trials(), material.residuals())
    charts = write_charts(folder, drawn, results)
    html, _ = write_report(folder, run, results, charts)
    console = PlainConsole()
    if partial := completeness(summary):
        console.print_sentence(partial)
    trusted = summary.valid and not summary.wrong_way
    console.print_sentence(verdict_line(summary), style="bold" if trusted else "bold red")
    for line in (*summary.verdict_lines, *further_reasons(summary)):
        console.print_sentence(f"- {line}")
    for table in (main_table(results), server_table(results)) if results.points else ():
        if table is not None:
            console.print(_console_table(table))
    console.print_sentence(str(html))
    if folder.resolve().parent == RESULTS_FOLDER.resolve():
        _rewrite_results_page()
    return ExitStatus.INVALID if _is_unexpectedly_invalid(summary, run) else ExitStatus.OK


def _is_unexpectedly_invalid(summary: Summary, run: RunInfo) -> bool:
    """Return whether a run is INVALID for another reason than a wrong way or faults, which are intended."""
    return not (summary.valid or summary.wrong_way or run.settings.get("faults"))


def _summary(options: argparse.Namespace) -> ExitStatus:
    folder = run_folder(options.run)
    write_summary(folder)
    print(plain(str(folder / SUMMARY_FILE)))
    return ExitStatus.OK


def _rewrite_results_page() -> None:
    """Rewrite the page of all runs; if that fails, only print a warning, since the report is complete without it."""
    from analysis.history.page import write_history

    try:
        write_history(RESULTS_FOLDER)
    except OSError as error:
        print_error(f"{error.filename or RESULTS_FOLDER}: not renewed: {error.strerror or error}", "warning")


def _results(_: argparse.Namespace) -> ExitStatus:
    from analysis.history.page import write_history

    page = write_history(RESULTS_FOLDER)
    print(plain(str(page)))
    if sys.stdout.isatty() and _has_screen():
        webbrowser.open(page.as_uri())
    return ExitStatus.OK


def _has_screen() -> bool:
    """Return whether a browser would open a window instead of running in the terminal."""
    return sys.platform in ("darwin", "win32") or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


def _compare(options: argparse.Namespace) -> ExitStatus:
    # SciPy's tests and Matplotlib take a second to load.
    from analysis.compare.comparison import ReportedRun, compare_runs
    from analysis.compare.pages import check_folder, comparison_folder, write_comparisons
    from analysis.compare.words import print_comparisons, print_run_differences

    names = [options.baseline, *options.others]
    given = [(name, setting) for name, setting in zip(names, ascii_uppercase, strict=False) if name or setting == "A"]
    folders = [run_folder(name, setting) for name, setting in given]
    baseline, *others = map(ReportedRun.load_comparable, folders)
    if not others:
        baseline, *others = _servers_of(baseline)
        if not baseline.summary.valid and not options.force:
            raise UserError(f"{_invalid(baseline)} (expected a valid run, or FORCE=1)")
    folder = Path(options.out) if options.out else comparison_folder(RESULTS_FOLDER, [baseline, *others])
    check_folder(folder)
    comparisons = [compare_runs(baseline, other) for other in others]
    unlike = [comparison for comparison in comparisons if comparison.unlike]
    if unlike and not options.force:
        for comparison in unlike:
            print_run_differences(comparison, PlainConsole(stderr=True))
        raise UserError(
            f"{unlike[0].other.folder}: unlike its baseline {baseline.folder}, so that a difference may come from "
            "something else (expected runs that are alike, or FORCE=1)"
        )
    console = PlainConsole()
    print_comparisons(comparisons, console)
    console.print_sentence(str(write_comparisons(folder, comparisons)))
    return ExitStatus.OK


def _servers_of(run: ReportedRun) -> list[ReportedRun]:
    """Split a run into the parts that were measured on each of its servers, which are compared like runs."""
    if len(run.info.servers) < 2:
        raise UserError(f"B: no run was named, and {run.folder} has no two servers to compare (expected B=results/…)")
    return [run.on_server(name) for name in run.info.servers]


def _invalid(run: ReportedRun) -> str:
    return f"{run.folder}: {run.summary.verdict.rstrip('.')}"


def _gate(options: argparse.Namespace) -> ExitStatus:
    from analysis.compare.comparison import ReportedRun, compare_runs
    from analysis.compare.words import print_run_differences
    from analysis.gate.budget import load_budgets
    from analysis.gate.judgement import Judgement, headline, judge
    from analysis.gate.outputs import append_job_summary, check_junit, write_junit

    if not options.budget:
        raise UserError("BUDGET: no file was named (expected BUDGET=budget.toml)")
    folders = [run_folder(options.run), *([run_folder(options.base, "BASE")] if options.base else [])]
    run, *bases = map(ReportedRun.load_comparable, folders)
    base = next(iter(bases), None)
    budgets = load_budgets(Path(options.budget))
    if options.junit:
        check_junit(Path(options.junit))
    if invalid := [each for each in (run, base) if each is not None and not each.summary.valid]:
        print_error(f"{_invalid(invalid[0])} (expected a valid run)")
        return ExitStatus.INVALID
    if base is not None and (comparison := compare_runs(base, run)).unlike and not options.force:
        print_run_differences(comparison, PlainConsole(stderr=True))
        raise UserError(f"{run.folder}: unlike its base {base.folder} (expected runs that are alike, or FORCE=1)")
    judged = judge(budgets, run, base)
    if unusable := [each for each in judged if not each.valid]:
        print_error(f"{run.folder}: {unusable[0].label}: the point is not valid (expected one that is)")
        return ExitStatus.INVALID
    console = PlainConsole()
    for each in judged:
        console.print_sentence(each.sentence, style=None if each.judgement is Judgement.KEPT else "bold red")
    console.print_sentence(headline(judged), style="bold")
    if options.junit:
        write_junit(Path(options.junit), judged, run.name)
    if job_summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        append_job_summary(Path(job_summary), judged, run.name)
    found = {each.judgement for each in judged}
    if Judgement.BROKEN in found:
        return ExitStatus.BROKEN
    return ExitStatus.UNDECIDED if Judgement.UNDECIDED in found else ExitStatus.OK


def _keys(_: argparse.Namespace) -> ExitStatus:
    from analysis.summary.summary_document import summary_document

    print(summary_document(), end="")
    return ExitStatus.OK


def _schema(_: argparse.Namespace) -> ExitStatus:
    from analysis.summary.summary_document import summary_schema

    print(summary_schema(), end="")
    return ExitStatus.OK


def _export(options: argparse.Namespace) -> ExitStatus:
    from analysis.compare.comparison import ReportedRun
    from analysis.export.formats import FORMATS, export
    from analysis.gate.budget import check_known

    check_known("FORMAT", "format", [options.format], FORMATS)
    if not options.out:
        raise UserError("OUT: no file was named (expected OUT=a new file, or OUT=- for standard output)")
    run = ReportedRun.load(run_folder(options.run))
    export(run, options.format, options.out)
    if not run.summary["valid"]:
        warning = f"{run.folder}: {run.summary['verdict']} Its export says so (docs/using/export.md)."
        PlainConsole(stderr=True).print_sentence(warning, style="bold red")
    return ExitStatus.OK


def _detectable(options: argparse.Namespace) -> ExitStatus:
    from analysis.detectable_differences import describe_detectable

    for line in describe_detectable(load_run_info(run_folder(options.run)), options.results):
        print(plain(line))
    return ExitStatus.OK


def run_folder(name: str, setting: str = "RUN") -> Path:
    """Return the folder of a run, given by its path or as `latest`; raise UserError if it is missing or empty."""
    if not name:
        raise UserError(f"{setting}: no run was named (expected {setting}=results/…)")
    folder = RESULTS_FOLDER / _LATEST if name == _LATEST else Path(name)
    if folder.name == _LATEST:
        return _latest_run(folder)
    if not folder.is_dir():
        missing = "not a folder" if folder.exists() else "no such folder"
        raise UserError(f"{name}: {missing} (expected the folder of a run, as in results/, or latest)")
    return folder


def _latest_run(link: Path) -> Path:
    """Return the run that the link points to; without a link, as in a copied folder, the newest run beside it."""
    if link.is_symlink() and link.exists():
        return link.resolve()
    runs = [path for path in link.parent.glob("*") if _RUN_NAME.match(path.name) and (path / "run.json").is_file()]
    if not runs:
        raise UserError(f"{link.name}: there is no run yet below {link.parent} (expected one from: make bench)")
    return max(runs, key=lambda path: path.name)


def _console_table(table: Table) -> ConsoleTable:
    printed = ConsoleTable(title=table.title, title_justify="left", pad_edge=False)
    # Names are not cut: those of servers take the place of a figure.
    names = 2 if SERVER_COLUMN in table.columns else 1
    columns = table.columns[: _CONSOLE_COLUMNS + 1 - names]
    for i, name in enumerate(columns):
        printed.add_column(name, justify="left" if i < names else "right", no_wrap=i < names)
    for row in table.rows:
        printed.add_row(str(row[0]), *(cell.text for cell in row[1 : len(columns)]))
    return printed
