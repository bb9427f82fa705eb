"""JUnit XML, which continuous integration and test reporters read: cases that passed, failed or were skipped."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class CaseResult(StrEnum):
    """How a case ended; except for a pass, the name of its element."""

    PASSED = "passed"
    FAILED = "failure"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Case:
    """One test case."""

    group: str
    """The class that it belongs to: reporters show the cases of one together."""
    name: str
    result: CaseResult
    message: str = ""
    """Why it failed or was skipped."""
    properties: Mapping[str, str] = field(default_factory=dict)


def junit_xml(name: str, cases: Sequence[Case], properties: Mapping[str, str] | None = None) -> str:
    """Return a document with one suite, and its properties."""
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
        of_element = ET.SubElement(element, "properties")
        for name, value in properties.items():
            ET.SubElement(of_element, "property", name=name, value=value)
