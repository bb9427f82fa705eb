"""A report of an INVALID run is told by its exit status, unless it was asked for."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from contract.records import load_run_info, write_run_info
from tests import fabricate
from tests.fabricate_trial import Faults
from tests.runs import in_process

ONE_POINT = fabricate.Fabrication(
    transports=("websocket",), intervals_s=(), rates_per_s=(), clients=2, measured_s=1.0, blocks=1
)


@pytest.mark.parametrize(
    ("lost", "scenario", "settings", "status"),
    [
        ({}, {}, {}, 0),
        ({(0, 12)}, {}, {}, 3),
        ({(0, 12)}, {}, {"faults": ["drop:seq=12"]}, 0),
        ({(0, 12)}, {"wrong_way": "Nobody keeps a cursor; keep one."}, {}, 0),
        ({(0, 12)}, {"overload": True}, {}, 3),
    ],
    ids=["valid", "invalid", "faults on purpose", "a wrong way", "a loss in an overload"],
)
def test_an_invalid_run_that_nobody_asked_for_ends_with_3(
    lost: set[tuple[int, int]],
    scenario: dict[str, Any],
    settings: dict[str, Any],
    status: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("analysis.charts.canvas.Chart.write", lambda *_: "<svg></svg>")
    folder = fabricate.fabricate_run(tmp_path / "run", ONE_POINT, {0: Faults(drop=frozenset(lost))})
    run = load_run_info(folder)
    write_run_info(folder, dataclasses.replace(run, scenario=run.scenario | scenario, settings=run.settings | settings))
    assert in_process("analysis", "report", folder).returncode == status
