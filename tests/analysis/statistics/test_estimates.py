from __future__ import annotations

import pytest

from analysis.statistics.estimates import estimate, with_bounds
from analysis.statistics.stats import AT_LEAST_ZERO, interval


def test_the_interval_is_that_of_the_spread_between_trials() -> None:
    trials = [9.0, 10.0, 11.0]
    bounds = interval(10.0, trials)
    assert bounds is not None
    assert estimate(10.0, trials) == {"value": 10.0, "ci95": list(bounds)}


def test_it_ends_where_no_value_is_possible() -> None:
    found = estimate(1.0, [0.0, 2.0], AT_LEAST_ZERO)
    assert found["ci95"][0] == 0.0
    assert found["ci95"][1] == pytest.approx(1 + 12.706, rel=1e-3)


def test_what_is_not_known_is_null() -> None:
    assert estimate(1.0, [1.0]) == {"value": 1.0, "ci95": None}
    assert with_bounds(None, None) == {"value": None, "ci95": None}
