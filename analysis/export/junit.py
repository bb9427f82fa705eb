"""`junit`: JUnit XML, which continuous integration reads, with a test case per point that passes if the point is valid.

The figures of a point are properties of its case. `make gate` writes its judgements with the same `junit_xml`.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from analysis.compare.comparison import ReportedRun
from analysis.export.labels import labels_as_text, point_name_parts, run_labels
from analysis.summary.point_figures import POINT_FIGURES
from contract.summary import Point


class CaseResult(StrEnum):
    """The result of a case; for a failed or skipped case the name of its XML element."""

    PASSED = "passed"
    FAILED = "failure"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Case:
    """One test case."""

    group: str
    """The class name of the case, by which reporters group cases."""
    name: str
    result: CaseResult
    message: str = ""
    """Why it failed or was skipped."""
    properties: Mapping[str, str] = field(default_factory=dict)


def junit_xml(name: str, cases: Sequence[Case], properties: Mapping[str, str] | None = None) -> str:
    """Return a document with one test suite, its cases and its properties."""
    numbers = {result: str(sum(case.result is result for case in cases)) for result in CaseResult}
    suite = ET.Element(
        "testsuite",
        name=name,
        tests=str(len(cases)),
        failures=numbers[CaseResult.FAILED],
        skipped=numbers[CaseResult.SKIPPED],
        errors="0",
    )
    _add_properties(suite, properties or {})
    for case in cases:
        element = ET.SubElement(suite, "testcase", classname=case.group, name=case.name)
        _add_properties(element, case.properties)
        if case.result is not CaseResult.PASSED:
            ET.SubElement(element, case.result, message=case.message)
    suites = ET.Element("testsuites")
    suites.append(suite)
    ET.indent(suites, " ")
    return ET.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def _add_properties(element: ET.Element, properties: Mapping[str, str]) -> None:
    if properties:
        container = ET.SubElement(element, "properties")
        for name, value in properties.items():
            ET.SubElement(container, "property", name=name, value=value)


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
