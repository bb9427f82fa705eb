"""Which trials a run with a precision adds, as a pure matter of what the pilot showed."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.statistics import inference
from analysis.trial.latency import measure_latencies
from benchmarks.interval_coverage import two_stage
from contract import quantiles
from contract.records import PlannedTrial, RunInfo, load_run_info, write_run_info
from contract.times import RESOLUTION_MS
from loadtests.plan.blocks import plan_further, plan_trials
from loadtests.plan.durations import expected_seconds, trial_seconds
from loadtests.plan.pilot import (
    describe_end,
    describe_extension,
    describe_pilot,
    extend_plan,
    judge_pilot,
    p50_ms,
)
from loadtests.plan.scenario_file import parse_scenario
from tests.fabricate import BROADCAST, ECHO, Fabrication, fabricate_planned, first_trial, run_info, style
from tests.fabricate_trial import Faults
from tests.loadtests.plan.test_scenario_file import GOOD

SCENARIO = dataclasses.replace(parse_scenario(GOOD, "small.toml"), repeats=3, precision=0.03, budget_s=10_000.0)
PLANNED = plan_trials(SCENARIO, 1)
POINTS = len(SCENARIO.points())
MEDIANS_MS = st.lists(st.floats(0.01, 5000), min_size=2, max_size=10)
LACKING = st.dictionaries(st.integers(0, POINTS - 1), st.integers(-2, 8), max_size=POINTS)


@pytest.mark.parametrize("transport", [*BROADCAST, *ECHO])
def test_the_statistic_is_the_median_of_the_report(transport: str) -> None:
    fabrication = Fabrication(ECHO if transport in ECHO else BROADCAST, (), ())
    seen = frozenset({(0, 12), (1, 20)})
    for faults in (
        Faults(),
        Faults(duplicate=seen, drop=frozenset({(2, 15)}), delay_ms={(3, 17): 700.0}),
        Faults(missing_stamps=30, client_delay_ms=9.0),
        Faults(kernel_stamps=False, client_delay_ms=9.0),
    ):
        _, trial = first_trial(transport, fabrication, faults)
        [expected] = quantiles.quantiles(measure_latencies(trial, style(transport)).latency_ms, [0.5])
        assert p50_ms(trial) == expected


def test_a_trial_that_measured_nothing_has_no_median() -> None:
    _, trial = first_trial("sse")
    nothing = trial.deliveries.where(np.zeros(len(trial.deliveries), dtype=np.bool_))
    assert p50_ms(dataclasses.replace(trial, deliveries=nothing)) is None


def test_a_pilot_says_how_many_trials_it_takes() -> None:
    # s = 1, t with two degrees of freedom is 4.3027: (4.3027 / 0.75)² = 32.9.
    judged = judge_pilot(7, [24.0, 25.0, 26.0], 0.03)
    assert judged is not None
    assert (judged.point, judged.wanted_ms, judged.trials_needed) == (7, 0.75, 33)
    assert judge_pilot(7, [25.0], 0.03) is None
    alike = judge_pilot(7, [25.0] * 4, 0.03)
    assert alike is not None
    assert alike.trials_needed == 4


def test_nothing_is_spent_on_what_cannot_be_claimed() -> None:
    judged = judge_pilot(0, [0.28, 0.30, 0.32], 0.03)
    assert judged is not None
    assert (judged.wanted_ms, judged.trials_needed) == (RESOLUTION_MS, 3)


@given(pilot_ms=MEDIANS_MS, precision_ratio=st.floats(0.001, 0.5))
def test_with_the_trials_it_needs_a_points_interval_is_as_narrow_as_asked_and_not_with_one_less(
    pilot_ms: list[float], precision_ratio: float
) -> None:
    judged = judge_pilot(0, pilot_ms, precision_ratio)
    assert judged is not None

    def reached_ms(trials: int) -> float:
        low, high = inference.t_interval(0.0, pilot_ms, trials - len(pilot_ms))
        return (high - low) / 2

    assert reached_ms(judged.trials_needed) <= judged.wanted_ms * (1 + 1e-9)
    if judged.trials_needed > len(pilot_ms):
        assert reached_ms(judged.trials_needed - 1) >= judged.wanted_ms * (1 - 1e-9)


@given(seed=st.integers(0, 2**32), pilot=st.integers(2, 10))
def test_what_is_simulated_is_what_a_run_does(seed: int, pilot: int) -> None:
    trials = np.random.default_rng(seed).normal(25.0, 1.0, 2000)
    judged = judge_pilot(0, trials[:pilot].tolist(), 0.03)
    assert judged is not None
    # To one trial: the two compute the same square in a different order.
    assert abs(two_stage(trials, pilot, 0.03) - min(judged.trials_needed, 2000)) <= 1


@given(missing=LACKING)
def test_with_time_enough_every_point_gets_what_it_lacks_once_a_block(missing: dict[int, int]) -> None:
    further = plan_further(SCENARIO, 1, PLANNED, missing, math.inf)
    assert Counter(trial.point for trial in further) == {p: n for p, n in missing.items() if n > 0}
    assert len({(trial.block, trial.point) for trial in further}) == len(further)
    assert [trial.index for trial in further] == list(range(len(PLANNED), len(PLANNED) + len(further)))
    assert all(trial.block >= SCENARIO.repeats for trial in further)
    assert [trial.block for trial in further] == sorted(trial.block for trial in further)
    pilot = {trial.point: trial for trial in PLANNED}
    for trial in further:
        assert (trial.transport, trial.parameters) == (pilot[trial.point].transport, pilot[trial.point].parameters)
    assert {trial.seed for trial in further}.isdisjoint(trial.seed for trial in PLANNED)


@given(missing=LACKING, left_s=st.floats(-10, 60))
def test_too_little_time_is_kept_to_and_makes_as_many_points_known_as_it_can(
    missing: dict[int, int], left_s: float
) -> None:
    further = plan_further(SCENARIO, 1, PLANNED, missing, left_s)
    parameters = {trial.point: trial.parameters for trial in PLANNED}
    spent_s = sum(trial_seconds(trial.parameters) for trial in further)
    assert spent_s <= max(0.0, left_s) + 1e-6
    got = Counter(trial.point for trial in further)
    lacking = {point: count for point, count in missing.items() if count > 0}
    assert all(got[point] <= lacking.get(point, 0) for point in got)
    costs_s = {point: count * trial_seconds(parameters[point]) for point, count in lacking.items()}
    known_s = [cost for point, cost in costs_s.items() if got[point] == lacking[point]]
    cheapest_left_s = min((cost for point, cost in costs_s.items() if got[point] < lacking[point]), default=math.inf)
    assert all(cost <= cheapest_left_s + 1e-6 for cost in known_s)
    if known_s or costs_s:
        assert sum(known_s) + cheapest_left_s > left_s


def test_blocks_beyond_the_pilot_have_an_order_of_their_own() -> None:
    further = plan_further(SCENARIO, 1, PLANNED, dict.fromkeys(range(POINTS), 8), math.inf)
    orders = {tuple(t.point for t in further if t.block == block) for block in range(3, 11)}
    assert len(orders) > 1
    assert further == plan_further(SCENARIO, 1, PLANNED, dict.fromkeys(range(POINTS), 8), math.inf)


def pilot_run(folder: Path, latencies_ms: dict[str, list[float]]) -> RunInfo:
    """A pilot's trials whose push transports are that much slower, block by block; run.json as before the trials."""
    fabrication = Fabrication(tuple(latencies_ms), (), (), clients=2, measured_s=1.0, noise_ms=0.0)
    plan = fabrication.plan()
    for planned in plan:
        slower = Faults(extra_latency_ms=latencies_ms[planned.transport][planned.block])
        fabricate_planned(planned, fabrication, slower).save(folder / "trials" / planned.folder_name)
    run = run_info(fabrication, plan)
    scenario = {**run.scenario, "repeats": fabrication.blocks, "precision": 0.03, "budget_s": SCENARIO.budget_s}
    return dataclasses.replace(run, scenario=scenario)


TWO = parse_scenario(
    GOOD.replace('["websocket", "short_poll"]', '["websocket", "sse"]')
    .split("[[sweep]]")[0]
    .replace("repeats = 2", "repeats = 3\nprecision = 0.03"),
    "two.toml",
)


def test_a_run_goes_on_where_its_pilot_did_not_do_and_says_so(tmp_path: Path) -> None:
    run = pilot_run(tmp_path, {"websocket": [0.0, 0.1, 0.2], "sse": [0.0, 1.0, 2.0]})
    extended = extend_plan(tmp_path, TWO, 0.03, run, elapsed_s=1.0)
    known, unknown = extended.precision
    assert (known.point, known.trials_needed) == (0, 3)
    assert known.wanted_ms == pytest.approx(0.03 * 25.12, rel=0.01)
    assert unknown.trials_needed > 3
    further = extended.plan[len(run.plan) :]
    assert {trial.point for trial in further} == {1}
    assert len(further) == min(unknown.trials_needed - 3, int((60 - 1 - 6) / trial_seconds(run.plan[0].parameters)))
    said = describe_pilot(extended, len(run.plan))
    assert said.startswith(f"1 of 2 points known to 3 % after 3 blocks; {len(further)} further trials of the others")
    write_run_info(tmp_path, extended)
    assert load_run_info(tmp_path) == extended


def test_what_the_budget_has_no_room_for_is_named(tmp_path: Path) -> None:
    run = pilot_run(tmp_path, {"websocket": [0.0, 0.1, 0.2], "sse": [0.0, 8.0, 20.0]})
    over = extend_plan(tmp_path, TWO, 0.03, run, elapsed_s=59.0)
    assert over.plan == run.plan
    needed = over.precision[1].trials_needed
    lacking = rf"no time within budget_s = 10000 for SSE (needs {needed} trials, has 3)"
    assert describe_pilot(over, len(run.plan)) == f"1 of 2 points known to 3 % after 3 blocks; {lacking}"
    assert describe_end(over) == f"1 of 2 points known to 3 % after 6 trials; {lacking}"
    lone = tuple(
        dataclasses.replace(trial, parameters=trial.parameters.replace(clients=1)) if trial.point else trial
        for trial in over.plan
    )
    assert "for SSE, 1 client (needs" in describe_end(dataclasses.replace(over, plan=lone)), "as in its report"


def test_a_slow_machine_has_room_for_fewer_trials(tmp_path: Path) -> None:
    run = pilot_run(tmp_path, {"websocket": [0.0, 0.1, 0.2], "sse": [0.0, 8.0, 20.0]})
    planned_s = expected_seconds(run.plan) - 6.0
    ample = dataclasses.replace(TWO, budget_s=10 * planned_s)
    fast, slow = (extend_plan(tmp_path, ample, 0.03, run, elapsed_s=pace * planned_s) for pace in (1, 2))
    left = [len(found.plan) - len(run.plan) for found in (fast, slow)]
    assert left[1] < left[0] / 2


def test_a_plan_that_may_grow_says_so() -> None:
    assert describe_extension(SCENARIO) == ", then more of the points whose p50 is not known to 3 %, within 10000 s"
    assert describe_extension(dataclasses.replace(SCENARIO, precision=None)) == ""


def test_a_run_from_before_the_precision_can_be_read(tmp_path: Path) -> None:
    fabrication = Fabrication()
    plan: tuple[PlannedTrial, ...] = fabrication.plan()
    write_run_info(tmp_path, run_info(fabrication, plan))
    path = tmp_path / "run.json"
    path.write_text(path.read_text().replace(',\n "precision": []', ""))
    assert '"precision"' not in path.read_text()
    assert load_run_info(tmp_path).precision == ()
