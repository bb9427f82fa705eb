"""The offset of the server's clock from this process's CLOCK_MONOTONIC, and its uncertainty. Pure.

Estimated as in NTP (RFC 5905) from request-answer exchanges: the server read its clock between the sending of the
request and the receipt of the answer, which bounds the offset from both sides.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ClockExchange:
    """One request for the server's time: its sending and its answer on this process's clock, and the server's time."""

    sent_ns: int
    received_ns: int
    server_ns: int


@dataclass(frozen=True, slots=True)
class ClockReading:
    """The offset estimated from several exchanges."""

    round_trip_ns: int
    """Twice the uncertainty of the offset: the smallest round trip, or the time of two if the clock is coarse."""
    offset_ns: int
    """The server's clock minus this process's."""

    @property
    def may_be_one_clock(self) -> bool:
        """Whether the offset is within its uncertainty of 0, so that both may read the same clock."""
        return abs(self.offset_ns) <= self.round_trip_ns


@dataclass(frozen=True, slots=True)
class ServerClock:
    """The server's clock over a whole trial, relative to the trial's clock."""

    offset_ns: int
    """The server's clock minus the trial's at the start of the stream; 0 if both are the same clock."""
    uncertainty_ns: int
    """Largest possible error of `offset_ns` at any time of the trial; 0 if both are the same clock."""
    drift_ns: int
    """Change of the offset from the reading before the stream to the one after it."""


def read_exchanges(exchanges: Sequence[ClockExchange]) -> ClockReading:
    """Estimate the offset from the exchange with the smallest round trip, if no two exchanges contradict each other.

    Two exchanges do if the server's clock ticks more slowly than they follow each other (a clock of whole milliseconds,
    say), since it is right at each tick and behind until the next. Then the offset is at least the largest lower bound,
    and exceeds it by no more than the duration of two exchanges between which the clock ticked.
    """
    lowest_ns = max(exchange.server_ns - exchange.received_ns for exchange in exchanges)
    highest_ns = min(exchange.server_ns - exchange.sent_ns for exchange in exchanges)
    if lowest_ns > highest_ns and has_advanced(exchanges):
        width_ns = min(
            second.received_ns - first.sent_ns
            for first, second in itertools.pairwise(exchanges)
            if first.server_ns != second.server_ns
        )
        return ClockReading(width_ns, lowest_ns + width_ns // 2)
    shortest = min(exchanges, key=lambda exchange: exchange.received_ns - exchange.sent_ns)
    round_trip_ns = shortest.received_ns - shortest.sent_ns
    return ClockReading(round_trip_ns, shortest.server_ns - (shortest.sent_ns + shortest.received_ns) // 2)


def has_advanced(exchanges: Sequence[ClockExchange]) -> bool:
    """Return whether the server's clock advanced during the exchanges."""
    return any(exchange.server_ns != exchanges[0].server_ns for exchange in exchanges)


def offset_at_start_ns(before: ClockReading) -> int:
    """Return the offset to use for a whole trial: 0 if server and trial may read the same clock."""
    return 0 if before.may_be_one_clock else before.offset_ns


def judge_server_clock(before: ClockReading, after: ClockReading) -> ServerClock:
    """Estimate the server's clock over a trial from the readings before and after the stream."""
    drift_ns = after.offset_ns - before.offset_ns
    if before.may_be_one_clock and after.may_be_one_clock:
        return ServerClock(0, 0, drift_ns)
    return ServerClock(offset_at_start_ns(before), uncertainty_ns(before, after), drift_ns)


def uncertainty_ns(before: ClockReading, after: ClockReading) -> int:
    """Return the largest possible error of the first reading's offset at any time between the two readings."""
    return max(before.round_trip_ns, after.round_trip_ns) // 2 + abs(after.offset_ns - before.offset_ns)
