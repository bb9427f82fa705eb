from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from analysis.lateness import HICCUP_NS, Lateness

MS = 1_000_000


def lateness(*rows: tuple[int, float]) -> Lateness:
    return Lateness(np.array([due * MS for due, _ in rows]), np.array([late for _, late in rows]))


def test_nothing_late() -> None:
    assert lateness((0, 1.0), (10, 5.0)).beyond(5.0) == 0
    assert lateness().beyond(5.0) == 0


def test_what_is_late_together_has_one_cause() -> None:
    assert lateness((0, 9.0), (50, 8.0), (99, 7.0), (150, 1.0)).beyond(5.0) == 0


def test_what_is_late_apart_has_not() -> None:
    assert lateness((0, 9.0), (50, 9.0), (1000, 9.0), (3000, 9.0)).beyond(5.0) == 2


def test_a_publisher_that_is_always_late_is_not_forgiven() -> None:
    always = Lateness(np.arange(64) * 50 * MS, np.full(64, 6.0))
    assert always.beyond(5.0) == 62


@given(st.lists(st.tuples(st.integers(0, 5000), st.floats(0, 20)), max_size=60))
def test_it_counts_as_a_slow_search_does(rows: list[tuple[int, float]]) -> None:
    late = [due for due, value in rows if value > 5.0]
    span_ms = HICCUP_NS // MS
    worst = max((sum(start <= due < start + span_ms for due in late) for start in late), default=0)
    assert lateness(*rows).beyond(5.0) == len(late) - worst
