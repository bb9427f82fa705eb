from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.summary.pairing import PerBlock, against
from analysis.summary.results import present
from contract.summary import Interval, Point
from tests.analysis import made_summary as made

ONE_WAY_MS = 25.0
LATENCIES = st.lists(st.floats(ONE_WAY_MS, 1000.0), min_size=3, max_size=3)
COST_US = st.lists(st.floats(0.0, 1000.0), min_size=3, max_size=3)


SOME_POINT = made.typed({**made.point("websocket", 25.0, 0.0), "estimates": None})


def point(latency_ms: float, cpu_us: float, latency_ci95: Interval | None, cpu_ci95: Interval | None) -> Point:
    latency = replace(
        SOME_POINT.latency_ms,
        mean=latency_ms,
        p50=latency_ms,
        p95=latency_ms,
        mean_ci95=latency_ci95,
        p50_ci95=latency_ci95,
        p95_ci95=latency_ci95,
    )
    return replace(
        SOME_POINT, latency_ms=latency, server_cpu_us_per_event=cpu_us, server_cpu_us_per_event_ci95=cpu_ci95
    )


def blocks(latencies_ms: list[float], costs_us: list[float]) -> PerBlock:
    names = ("p50", "p95", "mean")
    return PerBlock(
        {block: dict.fromkeys(names, value) for block, value in enumerate(latencies_ms)},
        costs={"server_cpu_us_per_event": dict(enumerate(costs_us))},
        least_latency_ms=ONE_WAY_MS,
    )


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


@given(LATENCIES, LATENCIES, COST_US, COST_US, st.floats(0, 50))
def test_no_difference_reaches_below_what_is_possible(
    ours_ms: list[float], theirs_ms: list[float], ours_us: list[float], theirs_us: list[float], half: float
) -> None:
    ours = point(mean(ours_ms), mean(ours_us), (ONE_WAY_MS, 9e9), (0.0, 9e9))
    their_ms, their_us = mean(theirs_ms), mean(theirs_us)
    theirs = point(their_ms, their_us, (their_ms - half, their_ms + half), (their_us - half, their_us + half))
    found = against(ours, blocks(ours_ms, ours_us), theirs, blocks(theirs_ms, theirs_us))
    for name in ("p50", "p95", "mean"):
        difference = found.latency_differences_ms[name]
        assert difference is not None and difference.ci95 is not None
        low, high = difference.ci95
        # No latency is below a transit, and the reference's is not above its interval.
        assert low >= min(difference.value, ONE_WAY_MS - (their_ms + half)) - 1e-9
        assert low <= difference.value <= high
    cost = found.costs["server_cpu_us_per_event"]
    assert cost is not None and cost.ci95 is not None
    assert cost.ci95[0] >= min(cost.value, -(their_us + half)) - 1e-9


@pytest.mark.parametrize("lacking", ["ours", "the reference's"])
def test_a_difference_has_no_interval_where_that_of_one_figure_is_withheld(lacking: str) -> None:
    withheld, known = (point(30.0, 50.0, bounds, bounds) for bounds in (None, (29.0, 60.0)))
    both = (withheld, known) if lacking == "ours" else (known, withheld)
    spread = blocks([29.0, 30.0, 31.0], [49.0, 50.0, 51.0])
    reference = blocks([30.0, 30.5, 29.5], [50.0, 50.5, 49.5])
    found = against(both[0], spread, both[1], reference)
    for difference in (found.mean_difference_ms, found.costs["server_cpu_us_per_event"]):
        assert difference is not None
        assert (difference.value, difference.ci95, difference.p_value) == (0, None, None)


def test_the_tail_of_a_difference_is_a_fifth_wider() -> None:
    wide = point(30.0, 50.0, (-9e9, 9e9), (-9e9, 9e9))
    found = against(wide, blocks([29.0, 30.0, 31.0], [1.0] * 3), wide, blocks([30.0] * 3, [1.0] * 3))
    half = {name: present(present(found.latency_differences_ms[name]).ci95)[1] for name in ("p50", "p95", "mean")}
    assert half["p95"] == pytest.approx(1.2 * half["p50"])
    assert half["mean"] == pytest.approx(half["p50"])
