"""What a comparison of two figures shows, and that its intervals and tests are what they say."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ttest_ind, ttest_rel

from analysis.compare.contrast import Contrast, Outcome, Side, contrast, geometric_mean
from analysis.statistics.inference import Spread, holm

VALUES = st.lists(st.floats(0.1, 1000), min_size=2, max_size=8)
UNALIKE = st.tuples(VALUES, VALUES)


def side(values: Sequence[float], first_block: int = 0) -> Side:
    return Side(math.exp(float(np.mean(np.log(values)))) if min(values) > 0 else float(np.mean(values)),
                dict(enumerate(map(float, values), first_block)))  # fmt: skip


def compared(ours: Sequence[float], theirs: Sequence[float], *, paired: bool = False, margin: float = 0.03) -> Contrast:
    return contrast(side(ours), side(theirs), margin, paired=paired)


@pytest.mark.parametrize(
    ("ours", "theirs", "outcome"),
    [
        ((100, 101, 99), (140, 141, 139), Outcome.WORSE),
        ((140, 141, 139), (100, 101, 99), Outcome.BETTER),
        ((100, 100.2, 99.8), (101, 101.2, 100.8), Outcome.SAME),
        ((100, 120, 80), (105, 130, 90), Outcome.NOT_SHOWN),
        ((100,), (100, 101), Outcome.UNKNOWN),
        ((0, 0, 0), (0, 0, 0), Outcome.SAME),
        ((0, 0, 0), (5, 5.1, 4.9), Outcome.WORSE),
        ((5, 5, 5), (5, 5, 5), Outcome.SAME),
        ((5, 5, 5), (6, 6, 6), Outcome.WORSE),
        ((5, 5, 5), (5, 6, 7), Outcome.NOT_SHOWN),
    ],
)
def test_outcome(ours: Sequence[float], theirs: Sequence[float], outcome: Outcome) -> None:
    assert compared(ours, theirs).outcome is outcome


def test_a_difference_within_the_margin_is_the_same_however_certain_it_is() -> None:
    ours, theirs = (100, 100.01, 99.99), (101, 101.01, 100.99)
    assert compared(ours, theirs, margin=0.03).outcome is Outcome.SAME
    assert compared(ours, theirs, margin=0.005).outcome is Outcome.WORSE


@given(UNALIKE)
def test_which_run_is_the_baseline_does_not_matter(samples: tuple[list[float], list[float]]) -> None:
    there, back = compared(*samples), compared(*reversed(samples))
    opposite = {Outcome.WORSE: Outcome.BETTER, Outcome.BETTER: Outcome.WORSE}
    assert back.outcome is opposite.get(there.outcome, there.outcome)
    assert there.ratio is not None and back.ratio is not None
    assert there.ratio * back.ratio == pytest.approx(1)


@given(UNALIKE)
def test_unpaired_trials_are_compared_by_welchs_test(samples: tuple[list[float], list[float]]) -> None:
    ours, theirs = (np.log(values) for values in samples)
    if min(float(np.std(ours)), float(np.std(theirs))) < 1e-6:
        return
    expected = ttest_ind(theirs, ours, equal_var=False)
    found = compared(*samples)
    assert found.p_value == pytest.approx(expected.pvalue, rel=1e-6, abs=1e-12)
    low, high = expected.confidence_interval(0.95)
    assert found.log_ratio is not None
    assert found.log_ratio.ci95 == pytest.approx((low, high), rel=1e-6, abs=1e-9)


@given(st.lists(st.tuples(st.floats(0.1, 1000), st.floats(0.1, 1000)), min_size=2, max_size=8))
def test_trials_of_one_stream_are_paired(pairs: list[tuple[float, float]]) -> None:
    ours, theirs = zip(*pairs, strict=True)
    apart = np.log(theirs) - np.log(ours)
    if float(np.std(apart)) < 1e-6:
        return
    found = compared(ours, theirs, paired=True)
    assert found.paired
    assert found.p_value == pytest.approx(ttest_rel(np.log(theirs), np.log(ours)).pvalue, rel=1e-6, abs=1e-12)


def test_pairing_takes_out_what_both_runs_share() -> None:
    luck = np.array([1.0, 1.5, 0.7, 1.2])
    ours, theirs = 100 * luck, 110 * luck * [1.001, 0.999, 1.0, 1.0]
    assert compared(ours.tolist(), theirs.tolist()).outcome is Outcome.NOT_SHOWN
    assert compared(ours.tolist(), theirs.tolist(), paired=True).outcome is Outcome.WORSE


@pytest.mark.parametrize("by_block", [{}, {0: 5.0}, {0: 4.0, 1: 6.0}])
@pytest.mark.parametrize("value", [5.0, 0.0])
def test_a_run_is_the_same_as_itself_however_little_is_known_of_it(value: float, by_block: dict[int, float]) -> None:
    own = Side(value, by_block, None, Spread(least=3.0, factor=1.2))
    assert contrast(own, own, 0.03, paired=True).outcome is Outcome.SAME


def test_a_least_spread_keeps_trials_that_agree_by_chance_from_showing_a_difference() -> None:
    ours, theirs = (Side(v, dict.fromkeys(range(5), v), None, Spread(least=5.0)) for v in (100.0, 104.0))
    for paired in (True, False):
        assert contrast(ours, theirs, 0.03, paired=paired).outcome is Outcome.NOT_SHOWN
    assert compared([100.0] * 5, [104.0] * 5).outcome is Outcome.WORSE


def test_runs_that_share_no_block_are_not_paired() -> None:
    found = contrast(side([1, 2, 3]), side([1, 2, 3], first_block=5), 0.03, paired=True)
    assert not found.paired


def test_added_trials_give_no_spread_but_a_narrower_interval() -> None:
    pilot = Side(100.0, {0: 99.0, 1: 101.0, 2: 100.0}, 3)
    longer = Side(100.0, {**pilot.by_block, **dict.fromkeys(range(3, 12), 100.0)}, 3)
    bounds = [contrast(each, each, 0.03, paired=False).difference.ci95 for each in (pilot, longer)]
    assert bounds[0] is not None and bounds[1] is not None
    assert bounds[1][1] == pytest.approx(bounds[0][1] / 2)


@pytest.mark.parametrize(("theirs_ratio", "outcome"), [(1.0, Outcome.SAME), (1.1, Outcome.WORSE)])
def test_the_number_of_trials_that_would_decide_does(theirs_ratio: float, outcome: Outcome) -> None:
    def alternating(mean: float, trials: int) -> list[float]:
        return [mean * (1.08 if i % 2 else 1 / 1.08) for i in range(trials)]

    found = compared(alternating(100, 4), alternating(100 * theirs_ratio, 4))
    assert found.outcome is Outcome.NOT_SHOWN
    needed = found.trials_needed
    assert needed is not None
    needed += needed % 2
    assert compared(alternating(100, needed), alternating(100 * theirs_ratio, needed)).outcome is outcome
    assert compared([100, 101, 99], [140, 141, 139]).trials_needed is None


def test_a_geometric_mean_has_the_blocks_that_all_points_have() -> None:
    mean = geometric_mean([Side(4.0, {0: 4.0, 1: 4.0}), Side(9.0, {1: 9.0, 2: 9.0})])
    assert mean.value == pytest.approx(6)
    assert mean.by_block == {1: pytest.approx(6)}


def test_of_equal_servers_one_figure_in_twenty_at_most_is_called_different() -> None:
    """Forty pairs of runs of ten points, whose trials have the spread that those of real runs have."""
    rng = np.random.default_rng(20_261_128)
    spreads = [0.003, 0.01, 0.02, 0.05, 0.08, 0.1, 0.15, 0.2, 0.01, 0.05]
    called = [0, 0]
    for _ in range(400):
        for which, paired in enumerate((False, True)):
            luck = rng.normal(0, spreads, (5, 10))
            runs = [np.exp(rng.normal(0, spreads, (5, 10)) + (luck if paired else 0)) for _ in range(2)]
            found = [compared(runs[0][:, i].tolist(), runs[1][:, i].tolist(), paired=paired) for i in range(10)]
            adjusted = holm([each.p_value or 0.0 for each in found])
            outcomes = [each.adjusted(p).outcome for each, p in zip(found, adjusted, strict=True)]
            called[which] += Outcome.WORSE in outcomes or Outcome.BETTER in outcomes
    assert max(called) / 400 <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 400)
