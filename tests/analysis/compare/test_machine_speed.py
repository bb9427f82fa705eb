"""What a change of the machine's speed between two runs may explain of a difference."""

from __future__ import annotations

import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.compare.contrast import Outcome, Side, contrast
from analysis.compare.machine_speed import SpeedChange, speed_change
from contract.summary import Estimate, Summary
from tests.analysis import made_summary as made

LOGARITHMS = st.tuples(st.floats(-1, 1), st.floats(-1, 1)).map(lambda ends: (min(ends), max(ends)))
VALUES = st.tuples(st.floats(0.01, 1000), st.floats(0.01, 1000))
SHARES = st.tuples(st.floats(0, 1), st.floats(0, 1))


def summary(value: float | None, ci95: tuple[float, float] | None) -> Summary:
    return dataclasses.replace(Summary.parse(made.standard()), fixed_work_ms=Estimate(value, ci95))


def test_change_has_the_intervals_of_both_runs() -> None:
    found = speed_change(summary(2.0, (1.94, 2.06)), summary(3.0, (2.88, 3.12)))
    assert found is not None
    half = math.hypot(0.03, 0.04)
    assert found.log_ratio == pytest.approx((math.log(1.5) - half, math.log(1.5) + half))
    assert found.sentence.startswith(
        "The machine's speed: a fixed piece of work took 2.00 ms of CPU time in A and 3.00 ms in B (+50.0 %)."
    )


@pytest.mark.parametrize("unknown", [summary(None, None), summary(2.0, None)], ids=["not timed", "one trial"])
def test_without_two_trials_in_both_runs_nothing_is_known(unknown: Summary) -> None:
    known = summary(2.0, (1.9, 2.1))
    older = dataclasses.replace(known, fixed_work_ms=None)
    for pair in ((known, unknown), (unknown, known), (known, older), (older, known)):
        assert speed_change(*pair) is None


@given(LOGARITHMS, VALUES, SHARES)
def test_effect_contains_nothing_and_the_whole_change(
    log_ratio: tuple[float, float], values: tuple[float, float], shares: tuple[float, float]
) -> None:
    computed = values[0] * shares[0], values[1] * shares[1]
    effect = SpeedChange(1.0, 1.0, log_ratio).effect(values, computed)
    for lowest, highest in (effect.difference, effect.log_ratio):
        assert lowest <= 0 <= highest
    for end in log_ratio:
        changed = computed[0] * math.exp(end) - computed[0]
        assert effect.difference[0] - 1e-9 <= changed <= effect.difference[1] + 1e-9
        logarithm = math.log1p(changed / values[0])
        assert effect.log_ratio[0] - 1e-9 <= logarithm <= effect.log_ratio[1] + 1e-9


@given(LOGARITHMS, VALUES, SHARES)
def test_effect_is_the_same_seen_from_the_other_run(
    log_ratio: tuple[float, float], values: tuple[float, float], shares: tuple[float, float]
) -> None:
    computed = values[0] * shares[0], values[1] * shares[1]
    there = SpeedChange(1.0, 1.0, log_ratio).effect(values, computed)
    back = SpeedChange(1.0, 1.0, (-log_ratio[1], -log_ratio[0])).effect(values[::-1], computed[::-1])
    assert back.difference == pytest.approx((-there.difference[1], -there.difference[0]))
    assert back.log_ratio == pytest.approx((-there.log_ratio[1], -there.log_ratio[0]))


def side(*values: float) -> Side:
    return Side(sum(values) / len(values), dict(enumerate(values)))


@pytest.mark.parametrize(
    ("other", "outcome", "may_be_the_machine"),
    [
        ((150.0, 151.0, 149.0), Outcome.NOT_SHOWN, True),  # as much as the machine
        ((130.0, 131.0, 129.0), Outcome.NOT_SHOWN, True),  # less than the machine: part of it waited
        ((170.0, 171.0, 169.0), Outcome.WORSE, False),  # more than the machine
        ((90.0, 91.0, 89.0), Outcome.BETTER, False),  # on a slower machine, all the better
        ((100.2, 100.4, 100.0), Outcome.NOT_SHOWN, True),  # the same, if the machine was
        ((100.0, 140.0, 90.0), Outcome.NOT_SHOWN, False),  # not shown on the same machine either
    ],
)
def test_only_what_the_machine_does_not_explain_is_shown(
    other: tuple[float, ...], outcome: Outcome, may_be_the_machine: bool
) -> None:
    ours, theirs = side(100.0, 101.0, 99.0), side(*other)
    effect = SpeedChange(2.0, 3.0, (math.log(1.45), math.log(1.55))).effect(
        (ours.value, theirs.value), (ours.value, theirs.value)
    )
    found = contrast(ours, theirs, 0.03, paired=False, machine=effect)
    assert found.outcome is outcome
    assert found.may_be_the_machine is may_be_the_machine
    assert (found.trials_needed is None) == (may_be_the_machine or outcome is not Outcome.NOT_SHOWN)
    alone = contrast(ours, theirs, 0.03, paired=False)
    assert found.same_speed_ratio_ci95 == pytest.approx(alone.ratio_ci95)
    assert found.same_speed_difference_ci95 == pytest.approx(alone.difference.ci95)


def test_of_a_latency_only_what_exceeds_the_networks_part_is_the_machines() -> None:
    # 250 ms of waiting for a poll are as long on any machine: twice as slow, 251 ms may become 252.
    effect = SpeedChange(1.0, 2.0, (math.log(2), math.log(2))).effect((251.0, 252.0), (1.0, 2.0))
    assert effect.difference == pytest.approx((0, 1))
