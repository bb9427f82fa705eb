"""Runs of tiny scenarios as tests start them: as a process of their own where that is the point, else in the test's."""

from __future__ import annotations

import contextlib
import io
import math
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import analysis.command_line
import loadtests.command_line
from analysis.command_line import ExitStatus
from analysis.summarize import summarize_run
from contract.records import JsonObject, as_document
from loadtests.plan.blocks import plan_trials
from loadtests.plan.durations import expected_seconds
from loadtests.plan.scenario_file import load_scenario
from system.processes import PROJECT_FOLDER
from system.processor import CorePlan
from tests.running import PATIENCE_S

TINY = """
name = "tiny"
description = "Every transport for a moment."
repeats = 1
budget_s = 60
transports = [{transports}]

[parameters]
clients = 4
rate_per_s = 20
arrival = "poisson"
payload_bytes = 30
one_way_delay_ms = {delay_ms}
warm_up_s = 0.1
measured_s = {measured_s}
poll_interval_s = 0.2
hold_s = 5
"""
STREAMS = '"websocket", "sse", "long_poll", "short_poll"'
ECHOES = '"echo_websocket", "echo_post", "echo_post_new"'


def scenario(folder: Path, transports: str = STREAMS, delay_ms: float = 0, measured_s: float = 0.6) -> Path:
    path = folder / "tiny.toml"
    path.write_text(TINY.format(transports=transports, delay_ms=delay_ms, measured_s=measured_s))
    return measured_once(path)


def measured_once(path: Path) -> Path:
    """Give a scenario just the budget that its trials need, so that a run has no time to measure any of them again.

    Beside other tests the machine disturbs nearly every trial.
    """
    needed_s = math.ceil(expected_seconds(plan_trials(load_scenario(str(path)), seed=1)))
    path.write_text(re.sub(r"^budget_s = .*$", f"budget_s = {needed_s}", path.read_text(), flags=re.MULTILINE))
    return path


def command(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run `python -m …` to its end."""
    return subprocess.run(
        [sys.executable, "-m", *map(str, words)],
        cwd=PROJECT_FOLDER, capture_output=True, text=True, timeout=10 * PATIENCE_S, check=False,
    )  # fmt: skip


def summarized(run: Path) -> JsonObject:
    """Return the summary of a run's raw records, as summary.json has it."""
    found: JsonObject = as_document(summarize_run(run))
    return found


REPORTED = (ExitStatus.OK, ExitStatus.INVALID)
"""How a report ends that was made: where other programs take the cores, the run is INVALID."""
_PROGRAMS = {"loadtests": loadtests.command_line.main, "analysis": analysis.command_line.main}


def in_process(program: str, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """Do as `command` does, in this process: Python and its imports would take up to a second of each.

    Trials are not pinned to cores: those of all tests that go on would take the same two, and leave others idle.
    """
    arguments = list(map(str, words))
    printed = io.BytesIO()
    # Programs print text, and exports bytes as well, which are here as surrogates where they are no text.
    with (
        contextlib.redirect_stdout(io.TextIOWrapper(printed, encoding="utf-8", write_through=True)),
        contextlib.redirect_stderr(io.StringIO()) as said,
        pytest.MonkeyPatch.context() as patch,
    ):
        if program == "loadtests":
            patch.setattr("loadtests.run.scenario_run.plan_cores", lambda _: CorePlan(None, None))
        status = _PROGRAMS[program](arguments)
        output = printed.getvalue().decode(errors="surrogateescape")
    return subprocess.CompletedProcess([program, *arguments], status, output, said.getvalue())


def measured(*words: str | Path) -> str:
    """What `loadtests run` says of a run that goes well."""
    ran = in_process("loadtests", "run", *words)
    assert ran.returncode == 0, ran.stderr
    return ran.stderr


def refused(program: str, *words: str | Path) -> str:
    """The one sentence that a program says which does not do what it is asked."""
    return sentence_of(in_process(program, *words))


def sentence_of(ran: subprocess.CompletedProcess[str]) -> str:
    assert ran.returncode == 2, ran.stderr
    assert "Traceback" not in ran.stderr
    assert ran.stderr.startswith("error: ")
    assert ran.stderr.count("\n") == 1, ran.stderr
    return ran.stderr


@contextlib.contextmanager
def unrendered() -> Iterator[None]:
    """Reports whose charts are made and not rendered.

    Rendering takes most of a report's time; tests/analysis/charts and tests/analysis/report do it.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("analysis.charts.canvas.Chart.write", lambda *_: "<svg></svg>")
        yield


def report_in_words(run: Path) -> str:
    """Do what `analysis report` does, except that its charts are not rendered; what it prints."""
    with unrendered():
        reported = in_process("analysis", "report", run)
    assert reported.returncode in REPORTED, reported.stderr
    return reported.stdout
