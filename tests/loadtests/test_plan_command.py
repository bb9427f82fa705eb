"""`python -m loadtests plan`: what would be measured, and what it can show by an earlier run."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path

import pytest

from contract.records import write_run_info
from loadtests.plan.blocks import plan_trials
from loadtests.plan.scenario_file import load_scenario
from loadtests.run.scenario_run import planned_run
from tests import fabricate, runs
from tests.fabricate_trial import Faults, fabricate_trial
from tests.runs import in_process, refused


def test_a_plan_tells_the_smallest_differences_by_an_earlier_run_of_the_scenario(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = runs.scenario(tmp_path, '"websocket", "sse"', delay_ms=5, measured_s=3)
    path.write_text(path.read_text().replace("repeats = 1", "repeats = 3"))
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    results = tmp_path / "results"
    first = in_process("loadtests", "plan", path, "--results", results)
    assert first.returncode == 0
    assert "trials: 6, about " in first.stdout
    assert f"not known, as no valid run under {results} has measured these base points" in first.stdout

    scenario = load_scenario(str(path))
    earlier = planned_run(scenario, 1, plan_trials(scenario, 1), None, {})
    folder = results / "earlier"
    folder.mkdir(parents=True)
    write_run_info(folder, dataclasses.replace(earlier, started_at="2026-01-01T00:00:00+00:00"))
    for planned in earlier.plan:
        trial = fabricate_trial(planned, fabricate.style(planned.transport), Faults(), noise_ms=0.1)
        trial.save(folder / "trials" / planned.folder_name)
    assert in_process("analysis", "summary", folder).returncode == 0
    second = in_process("loadtests", "plan", path, "--results", results)
    assert second.returncode == 0
    assert "from WebSocket that 3 blocks show in 80 % of all runs, at 95 % confidence, by the spread of earlier:" in (
        second.stdout
    )
    assert "\n  SSE: median of latency 0.2" in second.stdout
    assert list(temporary.iterdir()) == []


def test_a_scenario_that_there_is_not_is_refused(tmp_path: Path) -> None:
    assert "no such scenario" in refused("loadtests", "plan", "quik", "--results", tmp_path)


def test_a_plan_of_several_servers_has_each_in_its_block_and_compares_them(tmp_path: Path) -> None:
    path = runs.scenario(tmp_path, '"websocket", "sse"', measured_s=3)
    servers = 'before = {command = "one --port {port}"}\nafter = {command = "two --port {port}", transports = ["sse"]}'
    path.write_text(f"{path.read_text().replace('repeats = 1', 'repeats = 3')}\n[servers]\n{servers}\n")
    done = in_process("loadtests", "plan", path, "--results", tmp_path / "results")
    assert done.returncode == 0, done.stderr
    trials = [line.split() for line in done.stdout.splitlines() if "  block " in line]
    for block in range(3):
        measured = [(words[3], words[words.index("server") + 1]) for words in trials if words[2] == str(block)]
        assert sorted(measured) == [("sse", '"after",'), ("sse", '"before",'), ("websocket", '"before",')]
    told = [line.split(":")[0] for line in done.stdout.splitlines() if line.startswith("smallest difference")]
    assert told == [
        "smallest difference from WebSocket on server before",
        "smallest difference of server after from server before",
    ]
