"""docs/using/scenarios.md is what the program prints, with every scenario and parameter."""

from __future__ import annotations

import pytest

from contract.parameters import SCENARIO_PARAMETERS
from loadtests import command_line
from loadtests.plan.scenario_file import shipped_scenarios
from system.processes import PROJECT_FOLDER


def test_the_committed_document_is_current(capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main(["scenarios"]) == 0
    committed = (PROJECT_FOLDER / "docs" / "using" / "scenarios.md").read_text(encoding="utf-8")
    printed = capsys.readouterr().out
    assert printed == committed, "run: .venv/bin/python -m loadtests scenarios > docs/using/scenarios.md"
    for name in (*shipped_scenarios(), *SCENARIO_PARAMETERS):
        assert f"| `{name}` |" in printed, name
