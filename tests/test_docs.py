"""Every command and every file that the documents show exists and does what they say."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.peers.publish import COMMITTED, DOCUMENT, UNPUBLISHED, with_table
from benchmarks.peers.registry import TOOLS
from benchmarks.peers.summary import read_summary
from benchmarks.peers.table import markdown
from contract.transports import TRANSPORTS
from loadtests.plan.blocks import check_plan, plan_trials
from loadtests.plan.scenario_file import parse_scenario, shipped_scenarios
from system.processes import PROJECT_FOLDER

DOCS = PROJECT_FOLDER / "docs"
RESULTS_README = PROJECT_FOLDER / "results" / "README.md"
DOCUMENTS = [*sorted(PROJECT_FOLDER.glob("*.md")), RESULTS_README, *sorted(DOCS.rglob("*.md"))]
MAKEFILE = (PROJECT_FOLDER / "Makefile").read_text()
TARGETS = set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["make", *arguments], cwd=PROJECT_FOLDER, capture_output=True, text=True, check=False)


def _name(document: Path) -> str:
    return str(document.relative_to(PROJECT_FOLDER))


@pytest.mark.parametrize("document", DOCUMENTS, ids=_name)
def test_make_targets_and_their_scenarios_exist(document: Path) -> None:
    text = document.read_text()
    for target in re.findall(r"(?:^    |`)make ([a-z]+)", text, re.MULTILINE):
        assert target in TARGETS, target
    for name in re.findall(r"SCENARIO=([a-z-]+)\b(?!/|\.)", text):
        assert name in shipped_scenarios() or name == "path", name


@pytest.mark.parametrize("document", DOCUMENTS, ids=_name)
def test_linked_and_named_files_exist(document: Path) -> None:
    text = document.read_text()
    for link, heading in re.findall(r"\]\(([^)#:]*)(?:#([\w-]+))?\)", text):
        target = document.parent / link if link else document
        assert target.exists(), link
        assert not heading or heading in anchors(target), f"{link}#{heading}"
    for picture in re.findall(r'src(?:set)?="([^":]+)"', text):
        assert (document.parent / picture).exists(), picture
    for named in re.findall(
        r"`((?:servers|loadtests|analysis|classroom|peers|benchmarks|terminal|tests|docs)/[\w/.-]+\.\w+)`", text
    ):
        assert (PROJECT_FOLDER / named).exists(), named


def anchors(document: Path) -> set[str]:
    """The names by which a repository's web view links to the headings of a document."""
    headings = re.findall(r"^#+ (.*)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


def test_the_index_links_every_document() -> None:
    index = (DOCS / "README.md").read_text()
    linked = {(DOCS / link).resolve() for link in re.findall(r"\]\(([^)#:]+)", index)}
    assert {path for path in DOCS.rglob("*.*") if path != DOCS / "README.md"} <= linked


@pytest.mark.parametrize("document", DOCUMENTS, ids=_name)
def test_paragraphs_are_wrapped_at_120_columns(document: Path) -> None:
    text = re.sub(r"^(```.*?^```|<!-- begin.*?^<!-- end.*?)$", "", document.read_text(), flags=re.MULTILINE | re.DOTALL)
    prose = [line for line in text.splitlines() if not line.startswith(("|", "    ", "#", "<", "  <"))]
    assert [line for line in prose if len(line) > 120] == []


def test_the_readme_is_a_screen_and_a_half() -> None:
    assert len((PROJECT_FOLDER / "README.md").read_text().splitlines()) <= 90


def test_help_lists_every_target_with_a_sentence() -> None:
    told = make("help")
    assert told.returncode == 0
    lines = dict(re.findall(r"^make (\S+)\s+(\S.*)$", told.stdout, re.MULTILINE))
    assert lines.keys() == TARGETS
    assert make().stdout == told.stdout


def test_the_scenario_shown_can_be_run_as_it_stands() -> None:
    [example] = re.findall(r"```toml\n(.*?)```", (DOCS / "using" / "own-scenario.md").read_text(), re.DOTALL)
    scenario = parse_scenario(example, "own-scenario.md")
    check_plan(scenario, plan_trials(scenario, seed=0))


def test_every_variable_of_make_is_explained() -> None:
    recipes = MAKEFILE[MAKEFILE.index("help:") : MAKEFILE.index("lock:")]
    text = (DOCS / "using" / "commands.md").read_text()
    for variable in set(re.findall(r"\$\$\{?([A-Z][A-Z_]+)", recipes)) - {"PYTEST_ADDOPTS"}:
        assert f"{variable}=" in text, variable


def test_commands_by_hand_are_those_of_the_programs() -> None:
    text = (DOCS / "using" / "commands.md").read_text()
    plan = subprocess.run(
        [sys.executable, "-m", "loadtests", "plan", "quick"],
        cwd=PROJECT_FOLDER, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert plan.returncode == 0
    assert re.search(r"trials: \d+, about \d+ s of 60 s", plan.stdout)
    assert "python -m loadtests plan" in text
    assert "python -m servers all --port 8000" in text
    users = {"".join(word.capitalize() for word in name.split("_")) + "User" for name in TRANSPORTS}
    for user in re.findall(r"\b\w+User\b", text):
        assert user in users, user


def test_the_table_of_peers_is_that_of_the_committed_comparison() -> None:
    text = DOCUMENT.read_text()
    if not COMMITTED.is_dir():
        assert with_table(text, UNPUBLISHED) == text
        return
    summary = read_summary(COMMITTED)
    assert with_table(text, markdown(summary)) == text
    assert {row["tool"] for row in summary["rows"]} == {"push-vs-poll", *TOOLS}
    assert not summary["failed"] and not summary["not_installed"]
    for key in {key for row in summary["rows"] for key in row} | summary.keys():
        assert f"`{key}`" in text, key
