"""The outputs of a gate for continuous integration: JUnit XML, and a job summary in Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from analysis.export.junit import Case, CaseResult, junit_xml
from analysis.gate.judgement import JudgedBudget, Judgement, headline
from analysis.report.page import markdown_text
from contract.errors import UserError
from contract.records import write_text

_RESULTS = {
    Judgement.KEPT: CaseResult.PASSED,
    Judgement.BROKEN: CaseResult.FAILED,
    Judgement.UNDECIDED: CaseResult.SKIPPED,
}


def gate_cases(judged: Sequence[JudgedBudget]) -> list[Case]:
    """Return a test case per budget and point: a broken one has failed, an undecided one was skipped."""
    return [Case(each.label, _case_name(each), _RESULTS[each.judgement], each.sentence) for each in judged]


def check_junit(path: Path) -> None:
    """Raise UserError if there is no folder for the file, or another file than an earlier gate's in its place."""
    if not path.parent.is_dir():
        raise UserError(f"{path}: there is no folder {path.parent} (expected JUNIT=a file in one that exists)")
    if path.exists() and not (path.is_file() and b"<testsuites" in path.read_bytes()):
        raise UserError(
            f"{path}: exists already, and is no JUnit XML (expected JUNIT=a new file, or that of an earlier gate)"
        )


def write_junit(path: Path, judged: Sequence[JudgedBudget], name: str) -> None:
    """Write JUnit XML, in place of an earlier gate's file."""
    write_text(path, junit_xml(name, gate_cases(judged)))


def append_job_summary(path: Path, judged: Sequence[JudgedBudget], name: str) -> None:
    """Add Markdown to the file that GitHub shows with a job."""
    lines = [f"### {markdown_text(name)}: {headline(judged)}", ""]
    lines += [f"- **{each.judgement}**: {markdown_text(each.sentence)}" for each in judged]
    with path.open("a", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n\n")


def _case_name(judged: JudgedBudget) -> str:
    return f"{judged.budget.figure.name}: {judged.budget.limit_in_words}"
