from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.server_clock import (
    ClockExchange,
    ClockReading,
    ServerClock,
    judge_server_clock,
    offset_at_start_ns,
    read_exchanges,
)

US = 1000


def exchange_until_it_moves(draw: st.DrawFn, tick_ns: int, longest_ns: int) -> tuple[list[ClockExchange], int]:
    """Questions one after the other to a clock that ticks so; and how far it really is from here."""
    offset_ns, now_ns = draw(st.integers(0, 2 * 10**18)), draw(st.integers(0, 10**9))
    exchanges: list[ClockExchange] = []
    while len(exchanges) < 5 or exchanges[0].server_ns == exchanges[-1].server_ns:
        there_ns, back_ns, pause_ns = (draw(st.integers(longest_ns // 50, longest_ns // 3)) for _ in range(3))
        read_ns = now_ns + there_ns
        server_ns = (read_ns + offset_ns) // tick_ns * tick_ns
        exchanges.append(ClockExchange(now_ns, read_ns + back_ns, server_ns))
        now_ns = read_ns + back_ns + pause_ns
    return exchanges, offset_ns


@st.composite
def fine(draw: st.DrawFn) -> tuple[list[ClockExchange], int]:
    return exchange_until_it_moves(draw, 1, 2000 * US)


@st.composite
def coarse(draw: st.DrawFn) -> tuple[list[ClockExchange], int]:
    tick_ns = draw(st.sampled_from((1000 * US, 15_625 * US)))
    return exchange_until_it_moves(draw, tick_ns, tick_ns // 4)


@given(st.one_of(fine(), coarse()))
def test_the_offset_is_never_farther_from_the_true_one_than_the_reading_says(
    made: tuple[list[ClockExchange], int],
) -> None:
    exchanges, offset_ns = made
    found = read_exchanges(exchanges)
    assert abs(found.offset_ns - offset_ns) <= found.round_trip_ns / 2 + 1


@given(fine())
def test_a_fine_clock_is_known_to_half_of_the_shortest_round_trip(made: tuple[list[ClockExchange], int]) -> None:
    exchanges, _ = made
    shortest_ns = min(exchange.received_ns - exchange.sent_ns for exchange in exchanges)
    assert read_exchanges(exchanges).round_trip_ns == shortest_ns


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        # One clock, as far as can be seen.
        (ClockReading(100, -80), ClockReading(100, 90), ServerClock(0, 0, 170)),
        # Two clocks that keep their distance: the longer round trip counts.
        (ClockReading(100, 5000), ClockReading(120, 5010), ServerClock(5000, 70, 10)),
        # A clock that drifts, or was set in mid-trial, by which the uncertainty grows.
        (ClockReading(100, 5000), ClockReading(100, -1000), ServerClock(5000, 6050, -6000)),
        # One that was taken for the trial's own, and went on otherwise.
        (ClockReading(100, 20), ClockReading(100, 900), ServerClock(0, 930, 880)),
    ],
)
def test_drift_is_part_of_the_uncertainty(before: ClockReading, after: ClockReading, expected: ServerClock) -> None:
    assert judge_server_clock(before, after) == expected
    assert offset_at_start_ns(before) == expected.offset_ns
