from __future__ import annotations

import pytest

from analysis.statistics.estimates import estimate
from analysis.statistics.stats import AT_LEAST_ZERO, interval
from contract.summary import Estimate


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
