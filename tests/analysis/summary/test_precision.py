"""A run that went on where its pilot did not do: its intervals, and what its report says of it."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from analysis.statistics import inference
from analysis.summary.pairing import PerBlock, against
from analysis.summary.pooling import pool
from analysis.trial.latency import measure_latencies
from analysis.trial.measures import measure
from contract import quantiles
from contract.records import JsonObject, PointPrecision, Trial, load_run_info, write_run_info
from loadtests.plan.pilot import judge_pilot, p50_ms
from tests.analysis import made_summary as made
from tests.fabricate import SMALL, fabricate_planned, run_info, style
from tests.fabricate_trial import Faults
from tests.runs import report_in_words, summarized

PILOT = 3
FABRICATION = dataclasses.replace(SMALL, transports=("websocket", "short_poll"), blocks=6, measured_s=2.0)
SHORT_POLL = 1
ASKED_MS = 5.0


def write_run(folder: Path, *, needed: int, finished: int = 9, judged: bool = True) -> Path:
    """Three blocks of both points, then three of short poll alone, of which the first `finished` trials are there."""
    kept = [p for p in FABRICATION.plan() if p.block < PILOT or p.point == SHORT_POLL]
    plan = tuple(dataclasses.replace(planned, index=i) for i, planned in enumerate(kept))
    trials = [fabricate_planned(planned, FABRICATION, Faults()) for planned in plan]
    for planned, trial in list(zip(plan, trials, strict=True))[:finished]:
        trial.save(folder / "trials" / planned.folder_name)
    run = run_info(FABRICATION, plan if judged else plan[: PILOT * 2])
    scenario = {**run.scenario, "repeats": PILOT, "precision": 0.03, "budget_s": 100.0}
    precision = (PointPrecision(0, 0.75, PILOT), PointPrecision(SHORT_POLL, ASKED_MS, needed)) if judged else ()
    write_run_info(folder, dataclasses.replace(run, scenario=scenario, precision=precision))
    return folder


def points(summary: JsonObject) -> tuple[JsonObject, JsonObject]:
    push, poll = summary["points"]
    assert (push["transport"], poll["transport"]) == ("websocket", "short_poll")
    return push, poll


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("extended") / "run", needed=57)


def test_intervals_take_their_spread_from_the_pilot_and_their_middle_from_all(extended: Path) -> None:
    _, poll = points(summarized(extended))
    trials = [Trial.load(path) for path in sorted((extended / "trials").glob("*-short_poll"))]
    latencies_ms = [measure_latencies(trial, style("short_poll")).latency_ms for trial in trials]
    assert poll["trials"] == len(trials) == 6
    pilot = [quantiles.quantiles(sample, [0.5])[0] for sample in latencies_ms[:PILOT]]
    expected = inference.t_interval(poll["latency_ms"]["p50"], pilot, further=3)
    assert poll["latency_ms"]["p50_ci95"] == pytest.approx(expected, rel=1e-5)
    pilot = [float(sample.mean()) for sample in latencies_ms[:PILOT]]
    expected = inference.t_interval(poll["latency_ms"]["mean"], pilot, further=3)
    assert poll["latency_ms"]["mean_ci95"] == pytest.approx(expected, rel=1e-5)
    low, high = poll["requests_per_s_ci95"]
    assert low <= poll["requests_per_s"] <= high


def test_what_was_asked_reached_and_added_stands_beside_each_point(extended: Path) -> None:
    push, poll = points(summarized(extended))
    found = push["precision"]
    assert (found["trials_needed"], found["trials_added"], found["reached"]) == (3, 0, True)
    found = poll["precision"]
    low, high = poll["latency_ms"]["p50_ci95"]
    assert (found["asked_ratio"], found["asked_ms"]) == (0.03, ASKED_MS)
    assert (found["trials_needed"], found["trials_added"]) == (57, 3)
    assert found["reached_ms"] == pytest.approx((high - low) / 2, rel=1e-4)
    assert found["reached_ratio"] == pytest.approx(found["reached_ms"] / poll["latency_ms"]["p50"], rel=1e-5)
    assert found["reached_ms"] > ASKED_MS
    assert found["reached"] is False


def test_differences_are_paired_in_the_blocks_that_both_have(extended: Path) -> None:
    _, poll = points(summarized(extended))
    measured = {
        name: [measure(Trial.load(path), style(name)) for path in sorted((extended / "trials").glob(f"*-{name}"))]
        for name in ("websocket", "short_poll")
    }
    alone = {name: trials[:PILOT] for name, trials in measured.items()}
    pooled = {name: pool(trials, style(name)) for name, trials in alone.items()}
    blocks = {name: PerBlock.of(trials) for name, trials in alone.items()}
    expected = against(pooled["short_poll"], blocks["short_poll"], pooled["websocket"], blocks["websocket"])
    assert poll["against_reference"]["p50_difference_ms"]["ci95"] == pytest.approx(
        expected["p50_difference_ms"]["ci95"], rel=1e-5
    )


def test_both_points_with_added_trials_are_paired_in_those_too() -> None:
    ours = PerBlock({b: dict.fromkeys(("p50", "p95", "mean"), 30.0 + b % 2) for b in range(6)}, PILOT)
    theirs = PerBlock({b: dict.fromkeys(("p50", "p95", "mean"), 25.0) for b in range(5)}, PILOT)
    entries = made.point("sse", 30.4, 0.0), made.point("websocket", 25.0, 0.0)
    for entry in entries:
        entry["latency_ms"]["p50_ci95"] = [0.0, 99.0]
    one, other = map(made.typed, entries)
    found = against(one, ours, other, theirs).p50_difference_ms
    assert found is not None
    assert found.value == pytest.approx(5.4)
    assert found.ci95 == inference.t_interval(found.value, [5.0, 6.0, 5.0], further=2)


def test_the_report_says_which_points_are_not_known_and_why(extended: Path) -> None:
    report_in_words(extended)
    for name in ("report.md", "report.html"):
        text = re.sub(r"\s+", " ", (extended / name).read_text(encoding="utf-8"))
        assert "Trials added: 3; 1 of 2 points are known so." in text
        assert "Not known so are Short poll (6 of 57 trials), as the budget of 100 s had no room for more." in text
        assert "How well each median is known" in text
        assert "NOT KNOWN" in text
        assert "The median is not known to 3 %, as the scenario asks, at 1 point." in text


def test_an_interrupted_run_says_that_it_was(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", needed=6, finished=7)
    report_in_words(folder)
    text = (folder / "report.md").read_text(encoding="utf-8")
    assert "it finished 7 of 9 trials" in text
    assert "Short poll (4 of 6 trials), as the run was interrupted" in text


def test_a_run_that_ended_within_its_pilot_has_decided_nothing(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", needed=6, finished=4, judged=False)
    assert all(point["precision"] is None for point in summarized(folder)["points"])
    report_in_words(folder)
    assert "the run ended before the 3 blocks of the pilot were complete" in (folder / "report.md").read_text(
        encoding="utf-8"
    )


def test_a_point_with_the_trials_it_needs_is_known(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", needed=6)
    medians_ms = [p50_ms(Trial.load(path)) for path in sorted((folder / "trials").glob("*-short_poll"))]
    pilot_ms = [found for found in medians_ms[:PILOT] if found is not None]
    ratio = next(
        r / 1000 for r in range(500, 0, -1) if (j := judge_pilot(1, pilot_ms, r / 1000)) and j.trials_needed > 5
    )
    judged = judge_pilot(SHORT_POLL, pilot_ms, ratio)
    assert judged is not None
    run = load_run_info(folder)
    write_run_info(folder, dataclasses.replace(run, precision=(judged,)))
    push, poll = points(summarized(folder))
    assert push["precision"] is None
    assert judged.trials_needed == 6
    assert poll["precision"]["reached"]
