"""How far the server's clock is from this process' CLOCK_MONOTONIC, and how well that is known. Pure.

As in NTP (RFC 5905), from exchanges of which each gives bounds: the server read its clock between the sending of the
question and the receipt of its answer.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ClockExchange:
    """One question for the server's time, sent and answered on the clock of this process."""

    sent_ns: int
    received_ns: int
    server_ns: int


@dataclass(frozen=True, slots=True)
class ClockReading:
    """What several exchanges say together."""

    round_trip_ns: int
    """Twice the uncertainty of the offset: the smallest round trip, or that of two where the clock is coarse."""
    offset_ns: int
    """Server minus here."""

    @property
    def may_be_one_clock(self) -> bool:
        """Whether the offset cannot be told from none."""
        return abs(self.offset_ns) <= self.round_trip_ns


@dataclass(frozen=True, slots=True)
class ServerClock:
    """The server's clock over a whole trial, against that of the trial."""

    offset_ns: int
    """Server minus here as the stream began; 0 where both are the same clock."""
    uncertainty_ns: int
    """How far the offset may have been from that at any time of the trial; 0 where both are the same clock."""
    drift_ns: int
    """By how much the offset moved from the first reading to the last."""


def read_exchanges(exchanges: Sequence[ClockExchange]) -> ClockReading:
    """Return the offset as the exchange with the smallest round trip gives it, if no other contradicts it.

    They contradict each other where the server's clock stands still for longer than an exchange takes (one of whole
    milliseconds, say). Such a clock is right when it moves, and behind until it moves again: then the offset is at
    least the largest lower bound, and above it by no more than the time of two exchanges between which it moved.
    """
    lowest_ns = max(exchange.server_ns - exchange.received_ns for exchange in exchanges)
    highest_ns = min(exchange.server_ns - exchange.sent_ns for exchange in exchanges)
    if lowest_ns > highest_ns and moves(exchanges):
        width_ns = min(
            second.received_ns - first.sent_ns
            for first, second in itertools.pairwise(exchanges)
            if first.server_ns != second.server_ns
        )
        return ClockReading(width_ns, lowest_ns + width_ns // 2)
    shortest = min(exchanges, key=lambda exchange: exchange.received_ns - exchange.sent_ns)
    round_trip_ns = shortest.received_ns - shortest.sent_ns
    return ClockReading(round_trip_ns, shortest.server_ns - (shortest.sent_ns + shortest.received_ns) // 2)


def moves(exchanges: Sequence[ClockExchange]) -> bool:
    """Return whether the server's clock was seen to move."""
    return any(exchange.server_ns != exchanges[0].server_ns for exchange in exchanges)


def offset_at_start_ns(before: ClockReading) -> int:
    """Return what is taken for the offset of a whole trial: 0 where it may be one clock."""
    return 0 if before.may_be_one_clock else before.offset_ns


def judge_server_clock(before: ClockReading, after: ClockReading) -> ServerClock:
    """Return the server's clock over a trial from its readings before and after the stream."""
    drift_ns = after.offset_ns - before.offset_ns
    if before.may_be_one_clock and after.may_be_one_clock:
        return ServerClock(0, 0, drift_ns)
    return ServerClock(offset_at_start_ns(before), uncertainty_ns(before, after), drift_ns)


def uncertainty_ns(before: ClockReading, after: ClockReading) -> int:
    """Return how far the offset of the first reading may be from the true one at any time between both."""
    return max(before.round_trip_ns, after.round_trip_ns) // 2 + abs(after.offset_ns - before.offset_ns)
