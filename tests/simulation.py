"""A discrete simulation of one client of each kind, step by step: the oracle that the vectorised model must match.

It follows the clients' rules literally, one poll after the other, and shares no code with
`analysis.models.closed_form`. Times are nanoseconds on one clock; `visible_ns` are the times at which events 1, 2, …
can be read on the server.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Ask:
    """One scheduled request and its answer, which carries the events `first_seq` … `last_seq` (none if smaller)."""

    planned_ns: int
    start_ns: int
    end_ns: int
    first_seq: int
    last_seq: int
    skipped: bool = False

    @property
    def events(self) -> int:
        return self.last_seq - self.first_seq + 1


def short_poll(
    visible_ns: Sequence[int], first_ns: int, interval_ns: int, one_way_ns: int, until_ns: int, connect_ns: int = 0
) -> list[Ask]:
    """Ask at first + k * interval, never two at a time, until `until_ns` has passed and every event has come.

    A tick that falls due while an answer is outstanding is sent when that arrives; of several only the latest is.
    """
    asks: list[Ask] = []
    seen = 0
    tick_ns = start_ns = first_ns
    while True:
        at_server_ns = start_ns + connect_ns + one_way_ns
        last = bisect.bisect_right(visible_ns, at_server_ns)
        end_ns = at_server_ns + one_way_ns
        asks.append(Ask(tick_ns, start_ns, end_ns, seen + 1, last))
        seen = last
        tick_ns += interval_ns
        while tick_ns + interval_ns <= end_ns:
            asks.append(Ask(tick_ns, 0, 0, seen + 1, seen, skipped=True))
            tick_ns += interval_ns
        start_ns = max(tick_ns, end_ns)
        if start_ns >= until_ns and seen == len(visible_ns):
            return asks


def long_poll(
    visible_ns: Sequence[int],
    first_ns: int,
    hold_ns: int,
    one_way_ns: int,
    until_ns: int,
    turnaround_ns: int = 0,
    connect_ns: int = 0,
    delay_ns: Callable[[int], int] = lambda _: 0,
) -> list[Ask]:
    """Ask again a turnaround and a delay of its own after each answer (numbered from 0).

    That goes on until `until_ns` has passed and every event has come.
    """
    asks: list[Ask] = []
    seen = 0
    start_ns = first_ns
    while start_ns < until_ns or seen < len(visible_ns):
        at_server_ns = start_ns + connect_ns + one_way_ns
        answer_ns = at_server_ns + hold_ns
        if seen < len(visible_ns):
            answer_ns = min(answer_ns, max(at_server_ns, visible_ns[seen]))
        last = bisect.bisect_right(visible_ns, answer_ns)
        asks.append(Ask(start_ns, start_ns, answer_ns + one_way_ns, seen + 1, last))
        seen = last
        start_ns = answer_ns + one_way_ns + turnaround_ns + delay_ns(len(asks) - 1)
    return asks


def paused_short_poll(
    visible_ns: Sequence[int], first_ns: int, pause_ns: int, one_way_ns: int, until_ns: int, connect_ns: int = 0
) -> list[Ask]:
    """Ask a pause after each answer, until `until_ns` has passed and every event has come."""
    asks: list[Ask] = []
    seen = 0
    start_ns = first_ns
    while start_ns < until_ns or seen < len(visible_ns):
        at_server_ns = start_ns + connect_ns + one_way_ns
        last = bisect.bisect_right(visible_ns, at_server_ns)
        asks.append(Ask(start_ns, start_ns, at_server_ns + one_way_ns, seen + 1, last))
        seen = last
        start_ns = at_server_ns + one_way_ns + pause_ns
    return asks


def latest_only(asks: Sequence[Ask]) -> dict[int, int]:
    """By seq the arrival of what short polls see that are told the latest event alone and have no cursor."""
    return {ask.last_seq: ask.end_ns for ask in asks if ask.events}


def next_only(
    visible_ns: Sequence[int], first_ns: int, hold_ns: int, one_way_ns: int, until_ns: int
) -> tuple[dict[int, int], list[int]]:
    """By seq the arrival of what a long poll sees that is told the next event alone, and when it asked."""
    arrivals: dict[int, int] = {}
    starts_ns = []
    start_ns = first_ns
    while start_ns < until_ns or start_ns + one_way_ns < visible_ns[-1]:
        starts_ns.append(start_ns)
        at_server_ns = answer_ns = start_ns + one_way_ns
        answer_ns += hold_ns
        for seq, at_ns in enumerate(visible_ns, start=1):
            if at_server_ns < at_ns <= answer_ns:
                answer_ns = at_ns
                arrivals[seq] = at_ns + one_way_ns
                break
        start_ns = answer_ns + one_way_ns
    return arrivals, starts_ns


def arrivals_ns(asks: Sequence[Ask]) -> list[int]:
    """When each event of the answers arrived, in order of seq."""
    return [ask.end_ns for ask in asks for _ in range(ask.events)]


def one_at_a_time(due_ns: Sequence[int], transit_ns: int) -> list[int]:
    """When the answers to messages come back that each wait for the answer to the one before."""
    ends_ns: list[int] = []
    for due in due_ns:
        ends_ns.append(max(due, ends_ns[-1] if ends_ns else due) + transit_ns)
    return ends_ns
