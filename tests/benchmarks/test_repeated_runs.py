from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.figures_with_intervals import FIGURES
from benchmarks.repeated_runs import BLOCKS, count_held, main
from contract.summary import Summary
from tests import fabricate
from tests.analysis import made_summary as made


def summary_of(value: float, half: float | None) -> Summary:
    point = made.point("sse", value, 0.0)
    point["latency_ms"]["p50_ci95"] = None if half is None else [value - half, value + half]
    return Summary.parse(made.summary([{**point, "trials": 5}]))


def test_an_interval_is_held_against_the_mean_of_the_other_runs() -> None:
    summaries = [summary_of(10.0, 1.0), summary_of(11.0, 1.0), summary_of(13.0, 1.0), summary_of(11.0, None)]
    found = count_held(summaries, FIGURES["p50"])
    # The others' means are 11.7, 11.3 and 10.7: the second interval alone holds its own.
    assert (found.intervals, found.held, found.withheld) == (3, 1, 1)


def test_runs_that_agree_spread_as_their_intervals_say() -> None:
    found = count_held([summary_of(10.0 + 0.01 * number, 1.0) for number in range(5)], FIGURES["p50"])
    assert found.held == found.intervals == 5
    assert found.spread_ratio is not None
    assert found.spread_ratio < 0.1


def recorded(folder: Path, seed: int) -> Path:
    run = fabricate.fabricate_run(folder, fabricate.Fabrication(("websocket", "short_poll"), (), ()))
    made = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(made | {"seed": seed}))
    return run


def test_the_command_prints_a_row_per_figure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = [recorded(tmp_path / str(seed), seed) for seed in (1, 2, 3)]
    assert main([*(str(run) for run in runs), "--drawn", "2"]) == 0
    held, drawn = (table.splitlines() for table in capsys.readouterr().out.split("\n\n"))
    assert len(held) == 2 + len(FIGURES)
    # At one of the two points, the interval of the mean is narrower than the digits of a report.
    assert held[2].startswith("| mean | 3 | 100.0 % | 3 | ")
    assert drawn[0].count("blocks") == len(BLOCKS)
    assert drawn[2].startswith("| mean | ")


def test_runs_that_cannot_be_compared_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = recorded(tmp_path / "run", 1)
    assert main([str(run)] * 2) == 2
    assert "expected at least 3" in capsys.readouterr().err
    assert main([str(run)] * 3) == 2
    assert "the same seed" in capsys.readouterr().err
