"""results/index.html: a list of all runs with their changes, and trends of the key figures, without scripts."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote

from analysis.formatting import NOT_MEASURED, figure, interval, listed
from analysis.history.runs import Checkout, ListedRun, UnreadRun, read_runs
from analysis.history.trends import KEY_FIGURES, MOST_RUNS, Step, Trend, sparkline, trends
from analysis.report.page import render_html
from analysis.summary.point_figures import PointFigure
from contract.records import JsonObject, write_text
from terminal.plain import plain
from terminal.wording import plural

INDEX_FILE = "index.html"
_TEMPLATES = Path(__file__).parent / "templates"
_NEWEST_RUNS = 20
"""The number of runs of a group that are listed openly; earlier ones are collapsed."""
_CHARACTERS = 400
_MOST_CHANGES, _CHANGE_CHARACTERS = 4, 60


def write_history(results: Path) -> Path:
    """Write index.html of a folder of results from its present runs, and return its path.

    Several processes that do this at the same time take turns, so that the last one includes all runs.
    """
    path = results / INDEX_FILE
    with _alone_in(results):
        write_text(path, render_html(_TEMPLATES, "history.html.j2", _content(results), ()))
    return path


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _content(results: Path) -> JsonObject:
    found = list(read_runs(results))
    runs = _without_copies([run for run in found if isinstance(run, ListedRun)])
    groups = [list(group) for _, group in groupby(sorted(runs, key=_group_and_time), key=lambda run: run.group)]
    groups.sort(key=lambda group: group[-1].info.started_at, reverse=True)
    return {
        "title": "All runs",
        "count": plural(len(runs), "run"),
        "groups": [_group(group) for group in groups],
        "unread": [run for run in found if isinstance(run, UnreadRun)],
        "figures": [_head(each) for each in KEY_FIGURES],
        "most_runs": MOST_RUNS,
    }


def _head(of: PointFigure) -> str:
    """Return the figure's name for a column head, with its unit unless the name contains it."""
    return of.label if of.unit in of.label else of.title


def _group_and_time(run: ListedRun) -> tuple[tuple[str, ...], datetime, str]:
    return run.group, run.info.started_at, run.name


def _without_copies(runs: Sequence[ListedRun]) -> list[ListedRun]:
    """Return the runs without copies, such as a folder that was copied to another name; the first name is kept."""
    firsts: dict[tuple[object, ...], ListedRun] = {}
    for run in runs:
        firsts.setdefault((run.group, run.info.started_at, run.info.seed), run)
    return list(firsts.values())


def _group(runs: Sequence[ListedRun]) -> JsonObject:
    """Return the page's content for the runs of one scenario on one machine, the oldest first."""
    rows = list(trends(runs))
    changed: dict[Path, list[str]] = {}
    for trend in (trend for row in rows for trend in row):
        for step in trend.steps:
            if step.changed:
                changed.setdefault(step.measured.run.folder, []).append(_change_in_words(trend, step))
    earlier = {run.folder: changes_since(before, run) for before, run in pairwise(runs)}
    listed_runs = [_run(run, changed.get(run.folder, []), earlier.get(run.folder, [])) for run in reversed(runs)]
    scenario, asked, *machine = runs[-1].group
    return {
        "title": plain(" ".join(filter(None, (scenario, asked)))),
        "machine": listed(_machine_in_words(machine)),
        "rows": [{"transport": row[0].transport, "cells": [_cell(trend) for trend in row]} for row in rows],
        "newest": listed_runs[:_NEWEST_RUNS],
        "earlier": listed_runs[_NEWEST_RUNS:],
        "earlier_count": plural(len(listed_runs[_NEWEST_RUNS:]), "earlier run"),
    }


def _machine_in_words(machine: Sequence[str]) -> list[str]:
    processor, architecture, cores, usable, quota, system, target = machine
    return [
        *([f"a server at {target}"] if target else []),
        " ".join(filter(None, (processor, architecture))) or "an unnamed processor",
        *([f"{cores} cores"] if cores else []),
        *([f"{usable} of them usable"] if usable not in ("", cores) else []),
        *([f"a CPU quota of {quota} cores"] if quota else []),
        *([system] if system else []),
    ]


def _run(run: ListedRun, changed: Sequence[str], since: Sequence[str]) -> JsonObject:
    report = run.report
    return {
        "name": run.name,
        "link": None if report is None else f"{quote(os.fsencode(run.folder.name))}/{quote(report.name)}",
        "started_at": f"{run.info.started_at:%Y-%m-%d %H:%M}",
        "validity": _validity(run),
        "verdict": "" if run.summary is None else _cut(run.summary.verdict),
        "commit": commit(run.info.checkout),
        "changed": changed,
        "since": since,
    }


def _validity(run: ListedRun) -> str:
    summary = run.summary
    if summary is None:
        return _cut(run.problem)
    validity = "wrong way" if summary.wrong_way else "valid" if summary.valid else "INVALID"
    if summary.finished_trials < summary.planned_trials:
        validity += f", {summary.finished_trials} of {plural(summary.planned_trials, 'trial')}"
    return validity


def _cell(trend: Trend) -> JsonObject:
    if not trend.steps:
        return {"value": NOT_MEASURED, "interval": "", "picture": None}
    newest = trend.steps[-1].measured
    values = [step.measured.value for step in trend.steps[-MOST_RUNS:]]
    changes = sum(step.changed for step in trend.steps[-MOST_RUNS:])
    label = (
        f"{trend.transport}, {_head(trend.figure)}: {plural(len(values), 'run')}, {figure(min(values))} to "
        f"{figure(max(values))}, {plural(changes, 'change')}"
    )
    return {
        "value": figure(newest.value),
        "interval": interval(newest.interval),
        "picture": sparkline(trend.steps, label) if len(trend.steps) > 1 else None,
    }


def _change_in_words(trend: Trend, step: Step) -> str:
    assert step.band is not None
    side = "above" if step.measured.value > step.band[1] else "below"
    return (
        f"{trend.transport}: {_head(trend.figure)} {figure(step.measured.value)}, {side} {figure(step.band[0])} to "
        f"{figure(step.band[1])}"
    )


def _cut(text: str) -> str:
    shown = plain(text)
    return shown if len(shown) <= _CHARACTERS else f"{shown[:_CHARACTERS]}…"


def changes_since(earlier: ListedRun, run: ListedRun) -> list[str]:
    """Return a phrase per difference in code, versions, settings and machine; beyond a few, only their number."""
    ours, theirs = run.info, earlier.info
    found = [
        *_code(theirs.checkout, ours.checkout),
        *_differences(theirs.versions, ours.versions),
        *_differences(theirs.settings, ours.settings),
        *_differences(theirs.machine, ours.machine),
    ]
    return (
        found
        if len(found) <= _MOST_CHANGES
        else [*found[: _MOST_CHANGES - 1], f"{len(found) - _MOST_CHANGES + 1} more"]
    )


def commit(checkout: Checkout | None) -> str:
    """Return a short commit, with a + if the code had uncommitted changes; empty if it is not known."""
    return "" if checkout is None else plain(checkout.commit)[:10] + ("" if checkout.clean else "+")


def _code(earlier: Checkout | None, checkout: Checkout | None) -> Iterator[str]:
    if commit(earlier) != commit(checkout):
        yield f"commit {commit(earlier) or 'unknown'} → {commit(checkout) or 'unknown'}"


def _differences(earlier: Mapping[str, Any], later: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted(earlier.keys() | later.keys()):
        before, after = earlier.get(name), later.get(name)
        if before != after:
            yield f"{_short(name)} {_short(before)} → {_short(after)}"


def _short(value: object) -> str:
    text = "none" if value is None else plain(str(value)).replace("\n", " ")
    return text if len(text) <= _CHANGE_CHARACTERS else f"{text[:_CHANGE_CHARACTERS]}…"
