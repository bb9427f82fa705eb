import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from servers.events.lateness_histogram import LatenessHistogram

pytestmark = pytest.mark.clocks


@given(st.lists(st.integers(-1000, 60_000_000_000), min_size=1, max_size=200), st.floats(0, 1))
def test_quantiles_are_nearest_rank_to_the_stated_precision(late_ns: list[int], q: float) -> None:
    histogram = LatenessHistogram()
    for value in late_ns:
        histogram.add(value)
    in_order = sorted(max(value, 0) // 1000 for value in late_ns)
    exact = in_order[max(1, math.ceil(q * len(in_order))) - 1]
    found = histogram.quantile_us(q)
    assert found is not None
    assert exact - (1000 if exact >= 65_536 else 0) < found + 1 <= exact + 1
    assert histogram.max_us == in_order[-1]


def test_nothing_counted_is_not_zero() -> None:
    assert LatenessHistogram().summary_us() == {"mean": None, "p50": None, "p99": None, "max": None}


def test_hours_of_lateness_still_have_a_maximum() -> None:
    histogram = LatenessHistogram()
    histogram.add(7200 * 1_000_000_000)
    assert histogram.summary_us()["max"] == 7_200_000_000


@given(st.lists(st.integers(0, 60_000_000_000), min_size=1, max_size=200))
def test_the_mean_sees_a_single_long_delay_that_no_quantile_does(late_ns: list[int]) -> None:
    histogram = LatenessHistogram()
    for value in late_ns:
        histogram.add(value)
    assert histogram.summary_us()["mean"] == round(sum(value // 1000 for value in late_ns) / len(late_ns))
