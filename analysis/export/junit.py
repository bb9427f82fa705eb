"""`junit`: a test case per point that passes if the point is valid, with its figures as properties."""

from __future__ import annotations

from collections.abc import Iterator

from analysis.compare.comparison import ReportedRun
from analysis.export.labels import labels_as_text, point_name_parts, run_labels
from analysis.junit import Case, CaseResult, junit_xml
from analysis.summary.point_figures import POINT_FIGURES
from contract.summary import Point


def lines(run: ReportedRun) -> Iterator[str]:
    """Yield the document as one text: a case for the run as a whole, then those of its points."""
    scenario = run.info.scenario["name"]
    whole = Case(scenario, "the run is valid", CaseResult.PASSED)
    if not run.summary.valid:
        whole = Case(scenario, "the run is valid", CaseResult.FAILED, run.summary.verdict)
    cases = [whole, *(_case(run, point) for point in run.summary.points)]
    yield junit_xml(run.name, cases, labels_as_text(run_labels(run)))


def _case(run: ReportedRun, point: Point) -> Case:
    """Return the case of a point; one that is invalid in a valid run was overloaded on purpose, which is no failure."""
    result = CaseResult.PASSED
    if not point.valid:
        result = CaseResult.SKIPPED if run.summary.valid else CaseResult.FAILED
    group = f"{run.info.scenario['name']}.{point.transport}"
    name, reasons = " ".join(point_name_parts(run, point)), "; ".join(point.invalid_reasons)
    return Case(group, name, result, reasons, _figures(run, point))


def _figures(run: ReportedRun, point: Point) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, figure in POINT_FIGURES.items():
        value = figure.value(point)
        if value is None:
            continue
        found[name] = str(value)
        if (bounds := figure.interval(point, run.pilot_blocks)) is not None:
            found |= {f"{name}_low": str(bounds[0]), f"{name}_high": str(bounds[1])}
    return found
