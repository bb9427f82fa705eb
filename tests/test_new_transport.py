"""A stranger adds a transport from CONTRIBUTING.md alone: its section is followed to the letter in a copy."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from contract.transports import TRANSPORTS
from system.processes import PROJECT_FOLDER
from tests.running import PATIENCE_S
from tests.runs import REPORTED, scenario

pytestmark = pytest.mark.takes_s(20)
PACKAGES = ("analysis", "contract", "loadtests", "servers", "system", "terminal")
STEP = re.compile(
    r"^\d\. `(?P<file>\w+\.py)` in `(?P<folder>[\w/]+/)`.*?^   ```python\n(?P<code>.*?)^   ```$",
    re.DOTALL | re.MULTILINE,
)


def steps() -> list[tuple[str, str]]:
    """The file that each step of the section names, and the code that it gives for it."""
    text = (PROJECT_FOLDER / "CONTRIBUTING.md").read_text("utf-8")
    section = text.partition("## Adding a transport\n")[2].partition("\n## ")[0]
    return [(f"{m['folder']}{m['file']}", textwrap.dedent(m["code"])) for m in STEP.finditer(section)]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project to which the section's two files and its entry were added."""
    copy = tmp_path_factory.mktemp("project")
    for package in PACKAGES:
        shutil.copytree(PROJECT_FOLDER / package, copy / package, ignore=shutil.ignore_patterns("__pycache__"))
    (server, server_code), (client, client_code), (registry, entry) = steps()
    for path, code in ((server, server_code), (client, client_code)):
        assert not (copy / path).exists()
        (copy / path).write_text(code, "utf-8")
    before, end, after = (copy / registry).read_text("utf-8").rpartition("    )\n}\n")
    (copy / registry).write_text(before + textwrap.indent(entry.rstrip() + ",\n", 8 * " ") + end + after, "utf-8")
    return copy


def command(project: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run `python -m …` in that copy to its end."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [sys.executable, "-m", *map(str, words)],
        cwd=project, env=environment, capture_output=True, text=True, timeout=10 * PATIENCE_S, check=False,
    )  # fmt: skip


def test_the_section_adds_two_files_and_one_entry(project: Path) -> None:
    added = {
        str(path.relative_to(project))
        for path in project.rglob("*.py")
        if not (PROJECT_FOLDER / path.relative_to(project)).exists()
    }
    assert added == {"servers/transports/commented_sse.py", "loadtests/clients/commented_sse.py"}
    assert "commented_sse" not in TRANSPORTS


def test_the_new_transport_is_measured_up_to_the_report(project: Path, tmp_path: Path) -> None:
    asked = scenario(tmp_path, '"websocket", "sse"', delay_ms=5)
    asked.write_text(asked.read_text("utf-8").replace('"sse"', '"commented_sse"'), "utf-8")
    ran = command(project, "loadtests", "run", asked, "--results", tmp_path / "results", "--report")
    assert ran.returncode in REPORTED, ran.stderr
    run = (tmp_path / "results" / "latest").resolve()
    summary = json.loads((run / "summary.json").read_text("utf-8"))
    added = next(point for point in summary["points"] if point["transport"] == "commented_sse")
    pushed = next(point for point in summary["points"] if point["transport"] == "websocket")
    assert added["ledger"]["delivered"] == added["ledger"]["expected"] > 0
    assert added["closed_form"]["mean_ms"] == pushed["closed_form"]["mean_ms"] == 5
    assert added["against_reference"] is not None
    for name in ("report.md", "report.html", "charts/lanes.svg"):
        assert "Commented SSE" in (run / name).read_text("utf-8"), name
