"""The workflow of docs/using/ci.md: as far as that can be shown without GitHub, it does what the document says.

It is YAML, its actions and their inputs exist, and its commands run one after the other, each by the shell, in the
folder and in the environment that GitHub gives it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import textwrap
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from analysis.command_line import ExitStatus
from system.processes import PROJECT_FOLDER
from tests.running import PATIENCE_S
from tests.runs import measured_once, scenario

pytestmark = [
    pytest.mark.skipif(shutil.which("make") is None, reason="there is no make on this machine"),
    pytest.mark.takes_s(15),
]
SECTION = (PROJECT_FOLDER / "docs" / "using" / "ci.md").read_text("utf-8").partition("## A workflow\n")[2]
BLOCKS = [
    textwrap.dedent(block) for block in re.findall(r"(?:^(?:    .*)?\n)+", SECTION, re.MULTILINE) if block.strip()
]
INPUTS = {"actions/checkout@v4": {"repository", "ref", "path"}, "actions/upload-artifact@v4": {"name", "path"}}
"""The inputs of these actions that the workflow may use, by their action.yml."""
PACKAGES = ("analysis", "contract", "loadtests", "servers", "system", "terminal")


@pytest.fixture(scope="module")
def job() -> dict[str, Any]:
    [job] = yaml.safe_load(BLOCKS[0])["jobs"].values()
    assert isinstance(job, dict)
    return job


def test_its_actions_have_these_inputs(job: dict[str, Any]) -> None:
    used = [step for step in job["steps"] if "uses" in step]
    assert {step["uses"] for step in used} == set(INPUTS)
    for step in used:
        assert set(step["with"]) <= INPUTS[step["uses"]]
    checked_out = {step["with"]["path"] for step in used if step["uses"].startswith("actions/checkout@")}
    assert {step["working-directory"] for step in job["steps"] if "run" in step} <= checked_out


@pytest.fixture
def workspace(tmp_path: Path, job: dict[str, Any]) -> Path:
    """What the checkouts leave: this project, an app before and after a change, and the two files of the section."""
    bench, app = tmp_path / "bench", tmp_path / "app"
    bench.mkdir()
    for package in PACKAGES:
        shutil.copytree(PROJECT_FOLDER / package, bench / package, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("Makefile", "requirements.lock"):
        shutil.copy(PROJECT_FOLDER / file, bench)
    environment = bench / ".venv"
    environment.mkdir()
    for part in Path(sys.prefix).iterdir():
        if not part.name.startswith(".complete"):
            (environment / part.name).symlink_to(part)
    (environment / ".complete").touch()
    for step in job["steps"]:
        (tmp_path / step.get("with", {}).get("path", "bench").partition("/")[0]).mkdir(exist_ok=True)
    for server in (app / "start-server", tmp_path / "base" / "start-server"):
        server.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m servers sse "$@"\n')
        server.chmod(0o755)
    bench_toml, budget = next(block for block in BLOCKS if "# bench.toml" in block).split("# budget.toml")
    (app / "bench.toml").write_text(scenario(tmp_path, '"sse"').read_text() + bench_toml)
    measured_once(app / "bench.toml")
    (app / "budget.toml").write_text(budget)
    assert tomllib.loads(budget)["budget"]
    return tmp_path


def test_its_commands_measure_both_servers_and_judge_the_change(workspace: Path, job: dict[str, Any]) -> None:
    said = workspace / "job-summary.md"
    environment = {
        **{name: text for name, text in os.environ.items() if not name.startswith(("MAKE", "PYTHON", "COV"))},
        "GITHUB_STEP_SUMMARY": str(said),
        "CI": "true",
    }
    bench, gate = [
        subprocess.run(
            ["bash", "-e", "-c", step["run"]],
            cwd=workspace / step["working-directory"], env=environment, capture_output=True, text=True,
            timeout=10 * PATIENCE_S, check=False,
        )
        for step in job["steps"]
        if "run" in step
    ]  # fmt: skip
    # A machine that other programs use makes the run INVALID; make then ends with 2.
    assert bench.returncode == 0 or "INVALID" in bench.stdout, bench.stderr
    [uploaded] = [step["with"]["path"] for step in job["steps"] if "upload-artifact" in step.get("uses", "")]
    assert (workspace / uploaded).is_file()
    assert gate.returncode in set(ExitStatus) - {ExitStatus.USAGE}, gate.stderr
    if gate.returncode == ExitStatus.INVALID:
        assert "INVALID" in gate.stderr
    else:
        assert "SSE, server after: server CPU per event " in gate.stdout
        assert gate.stdout.splitlines()[0] in said.read_text()
        assert (workspace / "bench" / "gate.xml").is_file()
