"""The outputs of a gate for continuous integration: JUnit XML, and a job summary in Markdown."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path

from analysis.gate.judgement import JudgedBudget, Judgement, headline
from analysis.report.markdown_escaping import markdown_text
from contract.records import write_text


def junit_xml(judged: Sequence[JudgedBudget], name: str) -> str:
    """Return a test case per budget and point: a broken one has failed, an undecided one was skipped."""
    cases = ET.Element(
        "testsuite",
        name=name,
        tests=str(len(judged)),
        failures=str(sum(each.judgement is Judgement.BROKEN for each in judged)),
        skipped=str(sum(each.judgement is Judgement.UNDECIDED for each in judged)),
        errors="0",
    )
    for each in judged:
        case = ET.SubElement(cases, "testcase", classname=each.label, name=_case_name(each))
        if each.judgement is not Judgement.KEPT:
            kind = "failure" if each.judgement is Judgement.BROKEN else "skipped"
            ET.SubElement(case, kind, message=each.sentence)
    suites = ET.Element("testsuites")
    suites.append(cases)
    ET.indent(suites, " ")
    return ET.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def write_junit(path: Path, judged: Sequence[JudgedBudget], name: str) -> None:
    """Write the file in place of an earlier gate's."""
    write_text(path, junit_xml(judged, name))


def append_job_summary(path: Path, judged: Sequence[JudgedBudget], name: str) -> None:
    """Add Markdown to the file that GitHub shows with a job."""
    lines = [f"### {markdown_text(name)}: {headline(judged)}", ""]
    lines += [f"- **{each.judgement}**: {markdown_text(each.sentence)}" for each in judged]
    with path.open("a", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n\n")


def _case_name(judged: JudgedBudget) -> str:
    return f"{judged.budget.figure.name}: {judged.budget.limit_in_words}"
