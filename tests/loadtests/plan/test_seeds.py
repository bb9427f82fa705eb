from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.peers.command_line import main as compare_peers
from contract.errors import UserError
from loadtests.command_line import main
from loadtests.plan.scenario_file import SCENARIO_FOLDER, shipped_scenarios
from loadtests.plan.seeds import MAX_SEED, checked_seed, describe_seed, draw_seed


def test_drawn_seeds_differ_and_can_be_given_again() -> None:
    drawn = {draw_seed() for _ in range(100)}
    assert len(drawn) > 90, "two in a hundred are the same once in 200,000 times"
    assert {checked_seed(str(seed)) for seed in drawn} == drawn


@given(st.integers(0, MAX_SEED))
def test_what_a_run_says_is_what_repeats_it(seed: int) -> None:
    assert checked_seed(describe_seed(seed).partition("SEED=")[2]) == seed


def test_no_seed_is_asked_for_by_an_empty_text() -> None:
    assert checked_seed("") is None


@pytest.mark.parametrize("text", ["-1", "1.0", "1e3", " 1", "0x10", "one", "²", str(MAX_SEED + 1), "9" * 5000])
def test_what_is_no_seed_is_told_in_one_sentence(text: str) -> None:
    with pytest.raises(UserError) as raised:
        checked_seed(text)
    assert str(raised.value) == f"SEED={text[:80]}: not a seed (expected a whole number from 0 to {MAX_SEED})"


@pytest.fixture
def _without_differences(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare a plan the process that tells which differences it can show (tests/loadtests/test_plan_command.py)."""
    monkeypatch.setattr("loadtests.command_line._print_detectable", lambda *_: 0)


@pytest.mark.usefixtures("_without_differences")
def test_a_plan_prints_values_as_a_scenario_has_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "quick"]) == 0
    printed = capsys.readouterr().out
    assert "keep_alive true" in printed
    assert 'arrival "poisson"' in printed


@pytest.mark.parametrize("command", ["run", "plan"])
def test_the_command_line_refuses_it_before_anything_starts(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "quick", "--seed=half"]) == 2
    assert "SEED=half: not a seed" in capsys.readouterr().err


def test_so_does_the_web_ui(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ui", "--seed=-1"]) == 2
    assert "SEED=-1: not a seed" in capsys.readouterr().err


def test_so_do_the_peers(capsys: pytest.CaptureFixture[str]) -> None:
    assert compare_peers(["--seed=1.5"]) == 2
    assert "SEED=1.5: not a seed" in capsys.readouterr().err


@pytest.mark.usefixtures("_without_differences")
def test_a_plan_is_told_with_its_seed(capsys: pytest.CaptureFixture[str]) -> None:
    plans = []
    for words in (["--seed=7"], ["--seed=7"], [], []):
        assert main(["plan", "quick", *words]) == 0
        plans.append(capsys.readouterr().out)
    assert plans[0] == plans[1]
    assert "\nseed 7; repeat with SEED=7\n" in plans[0]
    assert plans[2] != plans[3]


@pytest.mark.parametrize("name", shipped_scenarios())
def test_no_shipped_scenario_chooses_one(name: str) -> None:
    assert "seed" not in (SCENARIO_FOLDER / f"{name}.toml").read_text(encoding="utf-8")
