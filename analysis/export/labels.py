"""Labels of runs and points in exports: names, origin and validity."""

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


def labels_as_text(labels: JsonObject) -> dict[str, str]:
    """Return the labels with their values as text: `true` and `false` as in JSON, and an empty text for None."""
    texts = {True: "true", False: "false", None: ""}
    return {name: texts.get(value, str(value)) for name, value in labels.items()}


def point_name_parts(run: ReportedRun, point: Point) -> list[str]:
    """Return the parts of a point's name: its transport, and `name=value` of each parameter that the run varied."""
    parameters = point.parameters
    varied = [f"{name}={parameters[name]}" for name in run.summary.varied if name in parameters]
    return [point.transport, *varied]


def marked_name_parts(run: ReportedRun, point: Point) -> list[str]:
    """Return the parts of a point's name, followed by INVALID if the point or the run is invalid.

    For formats that have no other field in which to mark a figure as invalid.
    """
    trusted = run.summary.valid and point.valid
    return [*point_name_parts(run, point), *([] if trusted else [INVALID])]
