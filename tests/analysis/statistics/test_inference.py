"""Intervals, differences and the power to detect them, against known values and simulated experiments."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from analysis.statistics import inference
from analysis.statistics.inference import (
    AT_LEAST_ZERO,
    ONLY_THE_TRIALS,
    POWER,
    Spread,
    estimate,
    interval,
    smallest_detectable,
    t_interval,
)
from contract import quantiles
from contract.summary import Estimate
from system.processes import PROJECT_FOLDER

latencies = st.lists(st.floats(0, 1e6), min_size=1, max_size=60)


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ([7.0], 0.5, 7.0),
        ([1.0, 2.0], 0.5, 1.0),
        ([3.0, 1.0, 2.0], 0.5, 2.0),
        ([1.0, 2.0, 3.0, 4.0], 0.75, 3.0),
        (list(range(1, 101)), 0.99, 99.0),
        (list(range(1, 101)), 1.0, 100.0),
        (list(range(1, 101)), 0.0, 1.0),
    ],
)
def test_quantiles_are_observed_values(values: list[float], share: float, expected: float) -> None:
    assert quantiles.quantiles(values, [share]) == [expected]


@given(latencies, st.floats(0.01, 1))
def test_a_quantile_is_the_smallest_value_that_enough_do_not_exceed(values: list[float], share: float) -> None:
    [quantile] = quantiles.quantiles(values, [share])
    assert quantile in values
    within = sum(value <= quantile for value in values) / len(values)
    below = sum(value < quantile for value in values) / len(values)
    assert within >= share - 1e-12
    assert below < share + 1e-12


def test_an_empty_sample_has_no_quantiles() -> None:
    with pytest.raises(ValueError, match="empty"):
        quantiles.quantiles([], [0.5])


def test_one_trial_gives_no_interval() -> None:
    assert inference.interval(25.0, [25.0]) is None


def test_few_trials_give_students_interval_around_the_pooled_estimate() -> None:
    # t(0.975, 2) = 4.3027 (Student's table), s = 1, n = 3.
    low, high = inference.t_interval(10.5, [9.0, 10.0, 11.0])
    assert (low + high) / 2 == pytest.approx(10.5)
    assert (high - low) / 2 == pytest.approx(4.3027 / 3**0.5, rel=1e-4)
    assert inference.interval(10.5, [9.0, 10.0, 11.0]) == (low, high)


def test_many_trials_give_students_interval_too() -> None:
    trials = list(np.random.default_rng(3).normal(100.0, 5.0, 20))
    assert inference.interval(101.0, trials) == inference.t_interval(101.0, trials)


def test_trials_without_spread_have_an_interval_without_width() -> None:
    assert inference.interval(25.0, [25.0] * 3) == inference.interval(25.0, [25.0] * 12) == (25.0, 25.0)


def test_trials_that_the_pilot_called_for_narrow_the_interval_and_leave_its_spread() -> None:
    low, high = inference.t_interval(10.5, [9.0, 10.0, 11.0], further=9)
    # t with two degrees of freedom is 4.3027, whatever came after; s = 1; √12 trials.
    assert high - 10.5 == pytest.approx(10.5 - low)
    assert high - 10.5 == pytest.approx(4.3027 / 12**0.5, rel=1e-4)
    assert inference.interval(10.5, [10.0], further=9) is None


def test_a_difference_takes_its_spread_from_the_pilot_and_its_mean_from_all_blocks() -> None:
    ours, theirs = {0: 11.0, 1: 13.0, 2: 30.0, 5: 5.0}, {0: 10.0, 1: 10.0, 2: 30.0, 3: 1.0}
    found = inference.paired_difference(ours, theirs, 2)
    assert found is not None
    assert found.value == pytest.approx(4 / 3)
    assert found.pairs == 3
    assert found.ci95 == inference.interval(found.value, [1.0, 3.0], further=1)


def test_paired_differences_take_out_what_moves_a_block() -> None:
    found = inference.paired_difference({0: 11.0, 1: 21.0, 2: 31.0}, {0: 10.0, 1: 20.0, 2: 30.0, 3: 99.0})
    assert found == inference.Difference(1.0, (1.0, 1.0), 3, 0.0, 2)
    assert found.p_value() == 0.0
    assert found.p_value(uncertainty=1.0) == 1.0


def test_blocks_not_shared_cannot_be_paired() -> None:
    assert inference.paired_difference({0: 1.0}, {1: 1.0}) is None
    assert inference.paired_difference({0: 3.0}, {0: 1.0}) == inference.Difference(2.0, None, 1)


def test_a_difference_is_centred_on_the_estimate_and_tested_by_the_spread_between_blocks() -> None:
    ours, theirs = {0: 3.0, 1: 5.0, 2: 4.0}, {0: 1.0, 1: 1.0, 2: 1.0}
    found = inference.paired_difference(ours, theirs, estimate=2.5)
    assert found is not None
    assert found.value == 2.5
    assert found.standard_error == pytest.approx(1 / 3**0.5)
    assert found.ci95 == pytest.approx((2.5 - 4.30265 / 3**0.5, 2.5 + 4.30265 / 3**0.5), abs=1e-4)
    # Student's t of 2.5 √3 with two degrees of freedom: P(|T| > t) = 1 - t / √(2 + t²).
    t = 2.5 * 3**0.5
    assert found.p_value() == pytest.approx(1 - t / (2 + t * t) ** 0.5)
    paired = inference.paired_difference(ours, theirs)
    assert paired is not None
    assert paired.p_value() == pytest.approx(scipy_stats.ttest_1samp([2.0, 4.0, 3.0], 0.0).pvalue)


def test_holm_adjusts_the_smallest_most_and_keeps_the_order() -> None:
    assert inference.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert inference.holm([0.6, 0.9]) == [1.0, 1.0]
    assert inference.holm([]) == []


def test_holm_is_wrong_in_a_twentieth_of_all_families() -> None:
    rng = np.random.default_rng(3)
    families = rng.uniform(size=(4000, 12))
    wrong = np.mean([min(inference.holm(family.tolist())) < 0.05 for family in families])
    assert wrong == pytest.approx(0.05, abs=0.012)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=5), st.sampled_from([inference.SHARE, inference.AT_LEAST_ZERO]))
def test_no_interval_reaches_beyond_what_is_possible(values: list[float], possible: inference.Interval) -> None:
    estimate = float(np.mean(values))
    whole = inference.interval(estimate, values)
    found = inference.cut_off(whole, estimate, possible)
    assert whole is not None and found is not None
    assert found[0] >= 0
    assert found[0] <= estimate <= found[1]
    assert found[1] == (min(whole[1], 1.0) if possible == inference.SHARE else whole[1])
    assert inference.cut_off(None, estimate, possible) is None


def test_a_spread_that_is_known_beforehand_bounds_what_a_few_trials_show() -> None:
    alike = [25.0] * 4
    low, high = inference.t_interval(25.0, alike, spread=inference.Spread(least=2.0))
    assert (low, high) == pytest.approx((25 - 1.959964, 25 + 1.959964))
    spread_out = [20.0, 25.0, 30.0]
    assert inference.t_interval(25.0, spread_out, spread=inference.Spread(least=0.1)) == inference.t_interval(
        25.0, spread_out
    )


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=8), st.floats(0, 1e3), st.floats(1, 2))
def test_what_is_known_beforehand_makes_no_interval_narrower(values: list[float], least: float, factor: float) -> None:
    whole = inference.t_interval(0.0, values)
    wider = inference.t_interval(0.0, values, spread=inference.Spread(least, factor))
    assert wider[0] <= whole[0] <= whole[1] <= wider[1]
    found = inference.paired_difference(dict(enumerate(values)), dict.fromkeys(range(len(values)), 0.0), None, 0.0)
    known = inference.paired_difference(
        dict(enumerate(values)), dict.fromkeys(range(len(values)), 0.0), None, 0.0, inference.Spread(least, factor)
    )
    assert found is not None
    assert known is not None
    assert known.ci95 == wider
    assert (known.standard_error or 0.0) >= (found.standard_error or 0.0)


EXPERIMENTS = 4000


@pytest.mark.parametrize("pairs", [2, 3, 5, 20])
@pytest.mark.parametrize("factor", [1.0, 1.2])
def test_its_interval_is_beyond_zero_in_four_of_five_experiments(pairs: int, factor: float) -> None:
    spread, known = 3.0, Spread(factor=factor)
    difference = smallest_detectable(spread, pairs, known)
    rng = np.random.default_rng(7)
    experiments = rng.normal(difference, spread, (EXPERIMENTS, pairs))
    found = sum(t_interval(float(each.mean()), each.tolist(), 0, known)[0] > 0 for each in experiments)
    assert found / EXPERIMENTS == pytest.approx(POWER, abs=0.02)


def test_it_is_close_to_the_sum_of_two_quantiles_for_many_pairs() -> None:
    # Bloom 1995: 2.8 standard errors.
    assert smallest_detectable(1.0, 10_000, ONLY_THE_TRIALS) * 100 == pytest.approx(1.96 + 0.84, abs=0.01)


def test_the_multiples_in_the_documentation() -> None:
    multiples = {n: smallest_detectable(1.0, n, ONLY_THE_TRIALS) * n**0.5 for n in (20, 5, 3)}
    shown = [f"{multiple:.1f}" for multiple in multiples.values()]
    document = (PROJECT_FOLDER / "docs" / "method" / "method.md").read_text()
    assert f"`ν` is {shown[0]}, {shown[1]} and {shown[2]} for 20, 5 and 3 blocks." in document


def test_trials_that_agree_by_chance_have_the_least_spread_that_is_possible() -> None:
    known = Spread(least=2.0)
    assert smallest_detectable(0.1, 5, known) == smallest_detectable(2.0, 5, ONLY_THE_TRIALS)
    assert smallest_detectable(4.0, 5, known) == smallest_detectable(4.0, 5, ONLY_THE_TRIALS)


def test_the_interval_is_that_of_the_spread_between_trials() -> None:
    trials = [9.0, 10.0, 11.0]
    bounds = interval(10.0, trials)
    assert bounds is not None
    assert estimate(10.0, trials) == Estimate(10.0, bounds)


def test_it_ends_where_no_value_is_possible() -> None:
    found = estimate(1.0, [0.0, 2.0], AT_LEAST_ZERO)
    assert found.ci95 == pytest.approx((0.0, 1 + 12.706), rel=1e-3)


def test_what_is_not_known_is_null() -> None:
    assert estimate(1.0, [1.0]) == Estimate(1.0, None)
