"""Faults that a run asks of its servers are checked without a server."""

from __future__ import annotations

import subprocess

import pytest

from contract.errors import UserError
from loadtests.plan.scenario_file import load_scenario
from loadtests.run.requested_faults import checked_faults


def test_they_are_parsed_in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "Popen", None)
    asked = ("delay:ms=20.0,client=1", "drop:seq=5-5")
    assert checked_faults(asked, load_scenario("quick"), None) == ("delay:ms=20,client=1", "drop:seq=5")


def test_what_is_wrong_with_one_is_said() -> None:
    with pytest.raises(UserError, match=r"--fault drop:seq=x: seq=x is not a number or range"):
        checked_faults(("delay:ms=20", "drop:seq=x"), load_scenario("quick"), None)
    with pytest.raises(UserError, match=r"not for the server at http://other:1"):
        checked_faults(("drop:seq=2",), load_scenario("quick"), "http://other:1")
