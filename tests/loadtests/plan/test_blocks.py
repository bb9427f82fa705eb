from __future__ import annotations

import dataclasses
import itertools
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.errors import UserError
from contract.parameters import ARRIVALS
from contract.stream import BURST_SIZE, due_offsets_ns
from loadtests.plan.blocks import check_plan, plan_trials, stream_spec, with_warm_up
from loadtests.plan.durations import expected_seconds, trial_seconds
from loadtests.plan.scenario_file import parse_scenario
from loadtests.plan.seeds import MAX_BLOCKS, MAX_SEED, block_seed
from tests.loadtests.plan.test_scenario_file import GOOD
from tests.made_parameters import parameters

SCENARIO = parse_scenario(GOOD, "small.toml")
SEEDS, BLOCKS = st.integers(0, MAX_SEED), st.integers(0, MAX_BLOCKS - 1)


def test_every_block_has_every_point_once_in_an_order_of_its_own() -> None:
    scenario = dataclasses.replace(SCENARIO, repeats=6)
    trials = plan_trials(scenario, 1)
    orders = [tuple(t.point for t in trials if t.block == block) for block in range(6)]
    assert all(sorted(order) == list(range(len(scenario.points()))) for order in orders)
    assert len(set(orders)) > 1
    assert [trial.index for trial in trials] == list(range(len(trials)))
    assert Counter(trial.point for trial in trials) == dict.fromkeys(range(5), 6)


def test_a_plan_is_the_same_every_time_and_another_with_another_seed() -> None:
    assert plan_trials(SCENARIO, 1) == plan_trials(SCENARIO, 1)
    orders, streams = (
        {seed: [take(trial) for trial in plan_trials(scenario, seed)] for seed in range(20)}
        for scenario, take in (
            (dataclasses.replace(SCENARIO, repeats=6), lambda trial: trial.point),
            (SCENARIO, lambda trial: due_offsets_ns(stream_spec(trial)).tobytes()),
        )
    )
    assert len({tuple(order) for order in orders.values()}) == 20
    assert not any(set(streams[one]) & set(streams[other]) for one, other in itertools.combinations(streams, 2))


@given(one=SEEDS, other=SEEDS, blocks=st.tuples(BLOCKS, BLOCKS))
def test_no_two_blocks_of_any_runs_share_a_seed(one: int, other: int, blocks: tuple[int, int]) -> None:
    seeds = block_seed(one, blocks[0]), block_seed(other, blocks[1])
    assert (seeds[0] == seeds[1]) == ((one, blocks[0]) == (other, blocks[1]))
    assert max(seeds) < 2**53, "JSON as any language reads it has no larger whole numbers"


def test_transports_of_a_block_get_the_same_stream_and_blocks_different_ones() -> None:
    streams: dict[tuple[int, float], set[bytes]] = {}
    warm_ups_s = set()
    for trial in plan_trials(SCENARIO, 1):
        key = (trial.block, trial.parameters.rate_per_s)
        warm_up_s = trial.parameters.warm_up_s
        warm_ups_s.add(warm_up_s)
        offsets_ns = due_offsets_ns(stream_spec(trial)) - round(warm_up_s * 1e9)
        streams.setdefault(key, set()).add(offsets_ns[offsets_ns >= 0].tobytes())
    assert len(warm_ups_s) > 1
    assert all(len(found) == 1 for found in streams.values())
    assert len({next(iter(found)) for found in streams.values()}) == len(streams)


@pytest.mark.parametrize(
    ("transport", "own", "needed_s"),
    [
        ("short_poll", {"poll_interval_s": 5.0}, 5.05),
        ("long_poll", {"turnaround_jitter_ms": 900}, 1.0),
        ("short_poll", {"poll_interval_s": 5.0, "keep_alive": False}, 5.1),
        ("short_poll", {"poll_interval_s": 5.0, "pacing": "pause"}, 5.1),
        ("short_poll", {"poll_interval_s": 0.01}, 0.2),
        ("long_poll", {"hold_s": 30.0}, 0.2),
        ("websocket", {}, 0.2),
        ("echo_post", {}, 0.55),
    ],
)
def test_a_trial_warms_up_for_its_longest_period_and_a_round_trip(
    transport: str, own: dict[str, object], needed_s: float
) -> None:
    asked = parameters(rate_per_s=2.0, one_way_delay_ms=25, warm_up_s=0.2, **own)
    assert with_warm_up(transport, asked) == asked.replace(warm_up_s=pytest.approx(needed_s))
    assert with_warm_up(transport, asked.replace(warm_up_s=9.0)).warm_up_s == 9.0


def test_a_longer_warm_up_is_planned_for_and_the_measured_window_stays() -> None:
    scenario = parse_scenario(GOOD.replace("poll_interval_s = [0.2, 0.4]", "poll_interval_s = [0.2, 4]"), "small.toml")
    for trial in plan_trials(scenario, 1):
        slow = trial.transport == "short_poll" and trial.parameters.poll_interval_s == 4
        assert (trial.parameters.warm_up_s >= 4) == slow
        assert stream_spec(trial).duration_s - stream_spec(trial).warm_up_s == pytest.approx(1.0)
        assert trial_seconds(trial.parameters) > trial.parameters.warm_up_s + 1.0


def test_a_plan_over_its_budget_is_refused_before_it_starts() -> None:
    scenario = dataclasses.replace(SCENARIO, budget_s=5.0)
    with pytest.raises(UserError, match=r"10 trials need about \d+ s, more than budget_s = 5"):
        check_plan(scenario, plan_trials(scenario, 1))
    assert expected_seconds(plan_trials(scenario, 1)) > 10 * 1.1


def test_a_trial_without_events_is_refused_before_it_starts() -> None:
    scenario = parse_scenario(GOOD.replace("rate_per_s = [10, 20]", "rate_per_s = [0.9]"), "small.toml")
    told = r'rate_per_s = 0\.9, arrival = "poisson" may have no event within measured_s = 1 \(expected a higher rate'
    for seed in range(20):
        with pytest.raises(UserError, match=told):
            check_plan(scenario, plan_trials(scenario, seed))


@given(arrival=st.sampled_from(ARRIVALS), events=st.floats(0.5, 30), measured_s=st.floats(0.1, 3), seed=SEEDS)
def test_a_plan_that_is_not_refused_has_an_event_in_each_window_whatever_the_seed(
    arrival: str, events: float, measured_s: float, seed: int
) -> None:
    rate_per_s = events / measured_s
    changed = {"arrival": arrival, "measured_s": measured_s, "rate_per_s": rate_per_s}
    scenario = dataclasses.replace(SCENARIO, parameters=SCENARIO.parameters.replace(**changed), sweeps=())
    trials = plan_trials(scenario, seed)
    try:
        check_plan(scenario, trials)
    except UserError:
        assert rate_per_s * measured_s < (BURST_SIZE if arrival == "burst" else 1)
    else:
        for trial in trials:
            assert due_offsets_ns(stream_spec(trial))[-1] >= trial.parameters.warm_up_s * 1e9


def test_points_of_a_block_share_their_events_as_long_as_both_are_measured() -> None:
    """Those of the shortest window at their rate and arrival give the spans in which events are counted."""
    longer = GOOD.replace("measured_s = 1\n", "measured_s = 3\n")
    longer += '\n[[sweep]]\ntransports = ["short_poll"]\npoll_interval_s = [0.7]\nmeasured_s = [1.5]\n'
    trials = [trial for trial in plan_trials(parse_scenario(longer, "small.toml"), 5) if trial.block == 0]
    rates = {trial.parameters.rate_per_s for trial in trials if trial.parameters.measured_s == 1.5}
    assert {trial.stream_span_s for trial in trials if trial.parameters.rate_per_s in rates} == {1.5}
    assert {trial.stream_span_s for trial in trials if trial.parameters.rate_per_s not in rates} <= {3.0}
    seen = [
        due_offsets_ns(stream_spec(trial)) - round(trial.parameters.warm_up_s * 1e9)
        for trial in trials
        if trial.parameters.rate_per_s in rates
    ]
    beginnings = {tuple(offsets[(offsets >= 0) & (offsets < 1.5e9)].tolist()) for offsets in seen}
    assert len(beginnings) == 1 and len(beginnings.pop()) > 0
