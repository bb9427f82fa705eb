from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.equal_runs import main
from tests import fabricate
from tests.fabricate_trial import Faults

PLAN = fabricate.Fabrication(("websocket", "short_poll"), (), ())


def recorded(folder: Path, seed: int, extra_latency_ms: float = 0.0) -> Path:
    faults = {trial.index: Faults(extra_latency_ms=extra_latency_ms + 0.1 * trial.block) for trial in PLAN.plan()}
    run = fabricate.fabricate_run(folder, PLAN, faults)
    document = json.loads((run / "run.json").read_text())
    started_at = f"2026-01-0{seed}T00:00:00Z"
    (run / "run.json").write_text(json.dumps({**document, "seed": seed, "started_at": started_at}))
    return run


def test_every_two_runs_are_compared_and_false_alarms_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = [recorded(tmp_path / f"run-{seed}", seed, 20.0 * (seed == 3)) for seed in (1, 2, 3)]
    assert main(list(map(str, reversed(runs)))) == 0
    told = capsys.readouterr().out
    assert told.startswith("3 pairs of runs:\n")
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in told.splitlines() if line.startswith("| ")]
    head, _, *figures, everything = rows
    assert head == [
        "figure", "compared", "the same", "no difference shown", "called different", "of all", "in pairs",
    ]  # fmt: skip
    median = next(row for row in figures if row[0].startswith("median of latency"))
    # In two of three pairs each transport is 20 ms later.
    assert (median[1], *median[4:]) == ("6", "4", "66.7 %", "66.7 %")
    assert everything[0] == "all"
    for column in (1, 2, 3, 4):
        numbers = [int(row[column]) for row in (*figures, everything)]
        assert numbers[-1] == sum(numbers[:-1])
    alarms = [line for line in told.splitlines() if line.startswith("- ") and "median of latency" in line]
    assert [line.partition(": slower by ")[0] for line in alarms] == [
        f"- run-3 against run-{seed}: median of latency, {label}"
        for seed in (1, 2)
        for label in ("WebSocket", "Short poll")
    ]


def test_too_few_runs_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(recorded(tmp_path / "run", 1))]) == 2
    assert "expected at least 3" in capsys.readouterr().err


def test_what_the_machines_speed_explains_is_no_false_alarm_unless_it_is_ignored(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = [recorded(tmp_path / f"run-{seed}", seed, 20.0 * (seed == 3)) for seed in (1, 2, 3)]
    for path in (runs[2] / "trials").glob("*/trial.json"):
        document = json.loads(path.read_text())
        path.write_text(json.dumps({**document, "fixed_work_ns": [100 * ns for ns in document["fixed_work_ns"]]}))
    alarms = {}
    for options in ((), ("--ignore-speed",)):
        assert main([*map(str, runs), *options]) == 0
        lines = capsys.readouterr().out.splitlines()
        alarms[options] = [line for line in lines if line.startswith("- ") and "median of latency" in line]
    assert {options: len(lines) for options, lines in alarms.items()} == {(): 0, ("--ignore-speed",): 4}
