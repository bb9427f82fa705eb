from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from contract.records import Lateness, scheduled_latency_ms
from contract.records.lateness import EXCEPTIONS, HICCUP_NS, MEAN_MS
from tests.made_parameters import parameters

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


def test_one_event_of_a_few_is_no_reason_and_neither_are_two() -> None:
    few = [(at * 200, 0.0) for at in range(10)]
    assert lateness((100, 6.5), *few).describe_excess("events were published", 0.0) is None
    assert lateness((100, 5.5), (700, 5.5), *few).describe_excess("events were published", 0.0) is None
    assert lateness(*few).describe_excess("events were published", 0.0) is None
    assert lateness().describe_excess("events were published", 0.0) is None


def test_a_mean_that_moves_is_named_with_its_limit() -> None:
    said = lateness((0, 2.0), (100, 4.0), (200, 0.0)).describe_excess("events were published", 20.0)
    assert said == "events were published 2.00 ms late on average, the worst 4.0 ms (at most 1.6 ms on average)"


def test_a_tail_that_moves_is_named_with_its_number() -> None:
    rows = [(at * 200, 6.0 if at % 16 == 0 else 0.0) for at in range(80)]
    said = lateness(*rows).describe_excess("events were published", 0.0)
    assert said is None, "four beside the hiccup are five per cent of eighty"
    said = lateness(*rows, *[(at * 200, 6.0) for at in (90, 95, 100)]).describe_excess("events were published", 0.0)
    assert said is not None
    assert said.startswith("7 of 83 events were published more than 5 ms late, the worst 6.0 ms")


def test_limits_grow_with_what_the_schedule_alone_makes() -> None:
    late = lateness(*[(at * 200, 8.0) for at in range(20)])
    assert late.describe_excess("polls were sent", 10.0) is not None
    assert late.describe_excess("polls were sent", 525.0) is None
    assert scheduled_latency_ms(parameters(one_way_delay_ms=25.0, poll_interval_s=1.0)) == 525.0
    assert scheduled_latency_ms(parameters(one_way_delay_ms=25.0, hold_s=30.0)) == 25.0


@given(st.lists(st.tuples(st.integers(0, 60_000), st.floats(0, 200)), min_size=1, max_size=60), st.floats(0, 1000))
def test_no_rule_trips_over_so_little_that_no_figure_moves(rows: list[tuple[int, float]], scheduled_ms: float) -> None:
    late = lateness(*rows)
    moved = late.late_ms.mean() > MEAN_MS or late.beyond(5.0) > EXCEPTIONS
    assert moved or late.describe_excess("events were published", scheduled_ms) is None
