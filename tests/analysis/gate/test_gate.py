"""Budgets are kept, broken or undecided by their interval; what cannot be judged is never a pass."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.command_line import ExitStatus
from analysis.compare.comparison import COMPARED
from analysis.gate.budget import Budget
from analysis.gate.judgement import JudgedBudget, Judgement
from analysis.statistics.inference import interval
from benchmarks.gate_errors import LIMIT_RATIO, simulate
from contract.records import JsonObject
from tests.analysis import made_summary as made
from tests.analysis.compare.test_comparison import run_with, slowed, steady
from tests.damaged_documents import changed_field
from tests.runs import in_process, refused, sentence_of


def budget_file(folder: Path, *budgets: str) -> Path:
    path = folder / "budget.toml"
    path.write_text("\n".join(f"[[budget]]\n{budget}" for budget in budgets))
    return path


def gate(folder: Path, *budgets: str, run: Path, base: Path | None = None, extra: tuple[str, ...] = ()) -> Any:
    based: list[str | Path] = ["--base", base] if base is not None else []
    return in_process("analysis", "gate", run, "--budget", budget_file(folder, *budgets), *based, *extra)


# The made p95 of WebSocket is 45.36 ms, its interval [44.0, 47.2].
P95 = 'figure = "latency_ms.p95"\ntransport = "websocket"\n'


@pytest.mark.parametrize(
    ("at_most", "status", "said"),
    [(48, 0, "kept"), (40, 1, "broken"), (46, 4, "undecided (about"), (45.36, 4, "no number of trials decides")],
)
def test_the_interval_decides_and_not_the_figure(at_most: float, status: int, said: str, tmp_path: Path) -> None:
    run = run_with(tmp_path / "run", made.standard())
    done = gate(tmp_path, f"{P95}at_most = {at_most}", run=run)
    assert done.returncode == status
    assert said in done.stdout
    assert f"WebSocket: 95th percentile of latency 45.4 ms [44.0, 47.2]; at most {at_most:g} ms" in done.stdout


def test_a_broken_budget_is_told_though_others_are_undecided(tmp_path: Path) -> None:
    run = run_with(tmp_path / "run", made.standard())
    done = gate(tmp_path, f"{P95}at_most = 46", f"{P95}at_most = 40", f"{P95}at_most = 48", run=run)
    assert done.returncode == 1
    assert "Of 3 budgets 1 are kept, 1 broken and 1 undecided." in done.stdout


def test_a_budget_against_a_base_is_one_on_the_ratio(tmp_path: Path) -> None:
    base, same, slower = (
        run_with(tmp_path / name, summary, seed)
        for seed, (name, summary) in enumerate((("base", steady()), ("same", steady()), ("slower", slowed(10))))
    )
    for run, percent, status in ((same, 5, 0), (slower, 5, 1), (slower, 50, 0), (same, 0, 4)):
        budget = f'figure = "latency_ms.p50"\ntransport = "websocket"\nover_base_at_most = "{percent} %"'
        done = gate(tmp_path, budget, run=run, base=base)
        assert done.returncode == status, done.stdout
    assert "WebSocket: median of latency 25.2 ms against 25.2, +0.0 % [" in done.stdout


@pytest.mark.parametrize(
    ("took_ms", "status", "said"),
    [
        (1.25, 1, "broken"),
        (2.5, 4, "undecided (the machine's speed may be the cause: measure both servers in the same blocks of"),
    ],
)
def test_a_machine_that_became_slower_breaks_no_budget(tmp_path: Path, took_ms: float, status: int, said: str) -> None:
    base = run_with(tmp_path / "base", made.standard(), 1)
    slower = made.standard() | {"fixed_work_ms": {"value": took_ms, "ci95": [0.99 * took_ms, 1.01 * took_ms]}}
    for point in slower["points"]:
        point["server_cpu_us_per_event"] *= 1.5
        costs = point["by_block"]["server_cpu_us_per_event"]
        point["by_block"]["server_cpu_us_per_event"] = [1.5 * cost for cost in costs]
    run = run_with(tmp_path / "run", slower, 2, started_at="2026-01-02T00:00:00+00:00")
    budget = 'figure = "server_cpu_us_per_event"\ntransport = "websocket"\nover_base_at_most = "5 %"'
    done = gate(tmp_path, budget, run=run, base=base)
    assert done.returncode == status, done.stdout
    assert f"at most 5 % over the base: {said}" in " ".join(done.stdout.split())


def test_a_point_is_named_by_its_parameters_and_all_transports_by_none(tmp_path: Path) -> None:
    run = run_with(tmp_path / "run", made.standard())
    done = gate(
        tmp_path,
        'figure = "latency_ms.p50"\ntransport = "short_poll"\nat = {poll_interval_s = 0.1}\nat_most = 90',
        'figure = "latency_ms.p50"\nat = {rate_per_s = 20}\nat_most = 9000',
        'figure = "empty_ratio"\nat_most = 0.5',
        run=run,
    )
    assert done.returncode == 0
    told = done.stdout.splitlines()
    assert told[0].startswith("Short poll, every 0.1 s: median")
    assert [line.split(":")[0] for line in told[1:5]] == [
        f"{name}, 20 events/s" for name in ("WebSocket", "SSE", "Long poll", "Short poll")
    ]
    assert [line.split(":")[0] for line in told[5:7]] == ["Long poll", "Short poll"]


def judged(values: list[float], limit: float) -> JudgedBudget:
    mean = float(np.mean(values))
    budget = Budget("here", COMPARED[0], None, at_most=limit)
    return JudgedBudget(budget, "", mean, interval(mean, values), limit, len(values), "", valid=True)


def test_as_many_further_trials_as_are_said_decide_it() -> None:
    def alternating(trials: int) -> list[float]:
        return [100 + (8 if i % 2 else -8) for i in range(trials)]

    found = judged(alternating(4), 103)
    assert found.judgement is Judgement.UNDECIDED
    assert found.further_trials is not None
    trials = 4 + found.further_trials
    assert judged(alternating(trials + trials % 2), 103).judgement is Judgement.KEPT
    assert judged(alternating(4), 300).further_trials is judged(alternating(4), 1).further_trials is None


def test_one_trial_decides_nothing() -> None:
    assert judged([1.0], 1000).judgement is Judgement.UNDECIDED
    assert "it has no interval" in judged([1.0], 1000).sentence


@pytest.mark.parametrize("settings", [{}, {"settings": {"faults": ["drop:seq=1"]}}])
@pytest.mark.parametrize("which", ["run", "base"])
def test_an_invalid_run_never_passes(which: str, settings: JsonObject, tmp_path: Path) -> None:
    invalid = {**made.standard(), "valid": False, "verdict": "INVALID: lost events"}
    summaries = {"run": made.standard(), "base": made.standard(), which: invalid}
    run, base = (run_with(tmp_path / name, summaries[name], **settings) for name in ("run", "base"))
    done = gate(tmp_path, f"{P95}at_most = 9000", run=run, base=base)
    assert done.returncode == 3
    assert "INVALID: lost events" in done.stderr


def test_neither_does_a_point_that_is_not_valid_in_a_run_that_is(tmp_path: Path) -> None:
    overloaded = made.standard()
    overloaded["points"][0]["valid"] = False
    done = gate(tmp_path, f"{P95}at_most = 9000", run=run_with(tmp_path / "run", overloaded))
    assert done.returncode == 3
    assert "WebSocket: the point is not valid" in done.stderr


@pytest.mark.parametrize(
    ("budget", "told"),
    [
        ('figure = "latency_ms.p59"\nat_most = 1', "no figure 'latency_ms.p59' (did you mean latency_ms.p9"),
        ('figure = "speed"\nat_most = 1', "no figure 'speed' (expected one of latency_ms.mean, "),
        ('figur = "latency_ms.p95"\nat_most = 1', "no key 'figur' (did you mean figure?)"),
        ("at_most = 1", "figure: expected the path of a figure"),
        (f"{P95}", "expected either at_most or over_base_at_most"),
        (f'{P95}at_most = 1\nover_base_at_most = "1 %"', "expected either at_most or over_base_at_most"),
        (f'{P95}at_most = "40 ms"', "at_most: expected a number of at least 0, not '40 ms'"),
        (f"{P95}at_most = nan", "at_most: expected a number of at least 0, not nan"),
        (f'{P95}over_base_at_most = "5"', "expected a percentage, such as \"5 %\", not '5'"),
        (f'{P95}over_base_at_most = "5 %"', "over_base_at_most needs a run to compare with (expected BASE=results/…)"),
        ('figure = "empty_ratio"\ntransport = "websocket"\nat_most = 1', "websocket has no empty_ratio at the base"),
        ('figure = "latency_ms.p50"\ntransport = "websockets"\nat_most = 1', "(did you mean websocket?)"),
        (f"{P95}at = {{rate = 20}}\nat_most = 1", "no parameter 'rate'"),
        (f"{P95}at = {{rate_per_s = 7}}\nat_most = 1", "rate_per_s was 5.0, 1.0, 20.0"),
        (
            f"{P95}at = {{rate_per_s = 7}}\nat_most = 1",
            "budget 1: websocket has no latency_ms.p95 at rate_per_s = 7 in ",
        ),
        (
            'figure = "latency_ms.p95"\nat = {rate_per_s = 7}\nat_most = 1',
            "budget 1: no transport has latency_ms.p95 at ",
        ),
        (f"{P95}at = 5\nat_most = 1", "at: expected parameters"),
        (f"{P95}transport = 5", "cannot be read as a budget"),
    ],
)
def test_a_budget_that_cannot_be_judged_is_refused_in_one_sentence(budget: str, told: str, tmp_path: Path) -> None:
    run = run_with(tmp_path / "run", made.standard())
    said = refused("analysis", "gate", run, "--budget", budget_file(tmp_path, budget))
    assert told in said
    assert "budget.toml" in said


PIECES = st.one_of(
    st.text(max_size=6),
    st.integers(0, 1000).map(lambda depth: "[" * depth + "]" * depth),
    st.sampled_from(["[[budget]]\n", "[budget]\n", " = nan", " = -0.0", " = 1e308", "9" * 5000, '"""', "{}", "= []"]),
)


@settings(max_examples=60)
@given(data=st.data())
def test_whatever_budgets_and_figures_say_is_a_judgement_or_one_sentence(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("gate")
    run, base = (run_with(folder / name, made.standard()) for name in ("run", "base"))
    path = budget_file(folder, f"{P95}at_most = 48", f'{P95}at = {{rate_per_s = 20}}\nover_base_at_most = "5 %"')
    if data.draw(st.booleans()):
        changed_field(
            data, data.draw(st.sampled_from([run, base])) / data.draw(st.sampled_from(["summary.json", "run.json"]))
        )
    else:
        text = path.read_text()
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(start + 12, len(text))))
        path.write_text(text[:start] + data.draw(PIECES) + text[end:], encoding="utf-8")
    based = ("--base", base, "--force")
    done = in_process("analysis", "gate", run, "--budget", path, "--junit", folder / "junit.xml", *based)
    if done.returncode == ExitStatus.USAGE:
        sentence_of(done)
    elif (folder / "junit.xml").exists():
        ET.parse(folder / "junit.xml")
    assert not set("\x1b\x00\u202e") & set(done.stdout + done.stderr)


def test_a_budget_file_larger_than_any_is_not_read(tmp_path: Path) -> None:
    run = run_with(tmp_path / "run", made.standard())
    with (tmp_path / "large.toml").open("wb") as stream:
        stream.truncate(2**31)  # of which no disk holds anything
    assert "has 2147483648 bytes" in refused("analysis", "gate", run, "--budget", tmp_path / "large.toml")
    assert "not a regular file" in refused("analysis", "gate", run, "--budget", tmp_path)


@pytest.mark.parametrize(("text", "told"), [("", "at least one [[budget]]"), ("budgets = []", "did you mean budget?")])
def test_a_file_without_budgets_is_refused(text: str, told: str, tmp_path: Path) -> None:
    run = run_with(tmp_path / "run", made.standard())
    path = tmp_path / "budget.toml"
    path.write_text(text)
    assert told in refused("analysis", "gate", run, "--budget", path)
    assert "cannot be read as a budget" in refused("analysis", "gate", run, "--budget", tmp_path / "none.toml")
    assert "expected BUDGET=budget.toml" in refused("analysis", "gate", run, "--budget", "")


def test_a_base_that_is_unlike_is_refused_unless_forced(tmp_path: Path) -> None:
    base = run_with(tmp_path / "base", steady())
    run = run_with(tmp_path / "run", steady(), machine={"cores": 64})
    budget = 'figure = "latency_ms.p50"\ntransport = "websocket"\nover_base_at_most = "5 %"'
    done = gate(tmp_path, budget, run=run, base=base)
    assert done.returncode == 2
    assert "unlike: machine.cores: A has 2, B has 64" in done.stderr
    assert gate(tmp_path, budget, run=run, base=base, extra=("--force",)).returncode == 0


def test_junit_and_the_job_summary_say_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    hostile = made.standard()
    run = run_with(tmp_path / "run <&>", hostile)
    junit = tmp_path / "gate.xml"
    limits = (40, 46, 48)
    done = gate(tmp_path, *(f"{P95}at_most = {limit}" for limit in limits), run=run, extra=("--junit", str(junit)))
    assert done.returncode == 1
    (suite,) = ET.parse(junit).getroot()
    assert {name: suite.get(name) for name in ("name", "tests", "failures", "skipped", "errors")} == {
        "name": "run <&>", "tests": "3", "failures": "1", "skipped": "1", "errors": "0",
    }  # fmt: skip
    assert [[child.tag for child in case] for case in suite] == [["failure"], ["skipped"], []]
    assert suite[0][0].get("message") in done.stdout
    told = summary.read_text().splitlines()
    assert told[0] == "before"
    assert told[1].startswith("### run <&>: Of 3 budgets 1 are kept, 1 broken and 1 undecided.")
    assert [line.split(":")[0] for line in told[3:6]] == ["- **broken**", "- **undecided**", "- **kept**"]


def test_junit_takes_the_place_of_nothing_else(tmp_path: Path) -> None:
    run = run_with(tmp_path / "run", made.standard())
    budget = budget_file(tmp_path, f"{P95}at_most = 48")
    kept = budget.read_bytes()
    for junit, told in (
        (budget, "budget.toml: exists already, and is no JUnit XML (expected JUNIT=a new file, "),
        (tmp_path, "exists already"),
        (tmp_path / "no" / "gate.xml", "gate.xml: there is no folder "),
    ):
        assert told in refused("analysis", "gate", run, "--budget", budget, "--junit", junit)
    assert budget.read_bytes() == kept
    junit = tmp_path / "gate.xml"
    for _ in range(2):
        assert in_process("analysis", "gate", run, "--budget", budget, "--junit", junit).returncode == 0


def test_false_failures_and_false_passes_are_rare() -> None:
    """With trials that scatter by 1 to 10 %, at true regressions of 0, 3, 5 and 10 %."""
    rng = np.random.default_rng(5)
    for regression in (0.0, 0.03, LIMIT_RATIO, 0.1):
        found = simulate([0.01, 0.03, 0.1], regression, 5, 400, rng)
        shares = {each: found[each] / found.total() for each in Judgement}
        if regression < LIMIT_RATIO:
            assert shares[Judgement.BROKEN] <= 0.05
        elif regression > LIMIT_RATIO:
            assert shares[Judgement.KEPT] <= 0.05
        else:
            assert max(shares[Judgement.BROKEN], shares[Judgement.KEPT]) <= 0.05
    assert simulate([0.01], 0.0, 5, 50, rng)[Judgement.KEPT] > 40
    assert simulate([0.01], 0.2, 5, 50, rng)[Judgement.BROKEN] > 40
