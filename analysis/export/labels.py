"""What exports say about a run and its points besides figures: where they come from, and whether they are valid."""

from __future__ import annotations

from analysis.compare.comparison import ReportedRun
from contract.records import JsonObject
from contract.summary import Point

INVALID = "INVALID"


def run_labels(run: ReportedRun) -> JsonObject:
    """Return the run's name, scenario, start, commit (None if it is not known) and validity."""
    return {
        "run": run.name,
        "scenario": run.info.scenario["name"],
        "started_at": run.info.started_at,
        "commit": None if run.info.checkout is None else run.info.checkout["commit"],
        "run_valid": run.summary.valid,
    }


def as_words(labels: JsonObject) -> dict[str, str]:
    """Return labels as text, as in JSON: `true`, `false`; empty for null."""
    words = {True: "true", False: "false", None: ""}
    return {name: words.get(value, str(value)) for name, value in labels.items()}


def point_words(run: ReportedRun, point: Point) -> list[str]:
    """Return the words of a point's name: its transport, and the parameters that the run varied."""
    parameters = point.parameters
    varied = [f"{name}={parameters[name]}" for name in run.summary.varied if name in parameters]
    return [point.transport, *varied]


def marked_words(run: ReportedRun, point: Point) -> list[str]:
    """Return the words of a point's name, and INVALID if the point or the run is.

    It is for formats that have only names and figures, and so no other place for the mark.
    """
    trusted = run.summary.valid and point.valid
    return [*point_words(run, point), *([] if trusted else [INVALID])]
