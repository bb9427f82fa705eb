from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classroom.limits import RateLimit

pytestmark = pytest.mark.clocks


def allowed(per_s: float, times_ns: list[int]) -> int:
    limit = RateLimit(per_s, 0)
    return sum(limit.allows(at_ns) for at_ns in times_ns)


def test_twice_the_rate_at_once_then_the_rate() -> None:
    assert allowed(10, [0] * 100) == 20
    assert allowed(10, [0] * 100 + [1_000_000_000] * 100) == 30


@given(st.lists(st.integers(0, 10**10), max_size=300).map(sorted))
def test_never_more_than_the_burst_and_the_rate(times_ns: list[int]) -> None:
    assert allowed(5, times_ns) <= 10 + 5 * max(times_ns, default=0) / 1e9 + 1e-6
