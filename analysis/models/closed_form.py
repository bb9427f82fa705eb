"""What theory expects of each kind of transport, in closed form (docs/method/method.md derives and checks them).

They assume a fixed symmetric delay, no loss, an unsaturated server, independent phases and replay
from a cursor. Times are seconds, rates per second. `analysis.models.own_schedule` evaluates the same model on the very
due times and phases of a trial; `analysis.models.saturation` tells where the assumptions end.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Conditions:
    """What the closed forms depend on."""

    rate_per_s: float
    arrival: str
    """`periodic`, `poisson` or `burst`."""
    one_way_delay_s: float
    poll_interval_s: float = 0.0
    hold_s: float = 0.0
    asks_per_message: bool = False
    """Of a round trip: whether a message is an HTTP request, one at a time, or a frame on an open channel."""
    connects_per_poll: bool = False
    """Whether each poll opens a connection of its own first, which takes a round trip."""
    keeps_cursor: bool = True
    """Of a poll: whether it asks for what is after a cursor; else it sees the latest or the next event alone."""
    pauses: bool = False
    """Of a short poll: whether the interval is counted from the last answer and not from the last poll."""
    turnaround_jitter_s: float = 0.0
    """Of a long poll: up to how long a client waits after an answer, at random, before it asks again."""

    @classmethod
    def of_point(cls, parameters: Mapping[str, Any], role: str) -> Conditions:
        """From a point's resolved parameters and its transport's role."""
        return cls(
            rate_per_s=float(parameters["rate_per_s"]),
            arrival=str(parameters["arrival"]),
            one_way_delay_s=float(parameters["one_way_delay_ms"]) / 1000,
            poll_interval_s=float(parameters.get("poll_interval_s", 0.0)),
            hold_s=float(parameters.get("hold_s", 0.0)),
            asks_per_message=role == "polling",
            connects_per_poll=not parameters.get("keep_alive", True),
            keeps_cursor=parameters.get("cursor", True),
            pauses=parameters.get("pacing") == "pause",
            turnaround_jitter_s=float(parameters.get("turnaround_jitter_ms", 0.0)) / 1000,
        )

    @property
    def round_trip_s(self) -> float:
        """Two transits."""
        return 2 * self.one_way_delay_s

    @property
    def answer_s(self) -> float:
        """A poll's whole exchange; also the long poll's deaf gap, where its client asks again at once."""
        return self.round_trip_s * (2 if self.connects_per_poll else 1)

    @property
    def mean_gap_s(self) -> float:
        """Mean length of the long poll's deaf gap."""
        return self.answer_s + self.turnaround_jitter_s / 2

    @property
    def gap_around_an_event_s(self) -> float:
        """Mean length of the gaps that events fall into, which are the longer ones: E[G²] / E[G]."""
        return self.mean_gap_s + (self.turnaround_jitter_s**2 / 12 / self.mean_gap_s if self.mean_gap_s else 0.0)

    @property
    def poll_period_s(self) -> float:
        """Effective distance of two short polls of one client."""
        return poll_period_s(self.poll_interval_s, self.answer_s, pause_after_answer=self.pauses)

    @property
    def event_period_s(self) -> float:
        """Mean distance of two events."""
        return 1 / self.rate_per_s


@dataclass(frozen=True)
class Expectation:
    """Latency and cost: a share of the events waits, evenly between 0 and `longest_wait_s`, the others do not."""

    floor_s: float
    """Latency of an event that does not wait."""
    longest_wait_s: float
    waiting_ratio: float
    requests_per_s: float
    requests_per_event: float
    empty_ratio: float | None
    """Share of the requests that bring nothing; None where nothing is polled or no formula is known."""

    @property
    def mean_s(self) -> float:
        """Mean latency."""
        return self.floor_s + self.waiting_ratio * self.longest_wait_s / 2

    @property
    def max_s(self) -> float:
        """The longest latency possible."""
        return self.floor_s + (self.longest_wait_s if self.waiting_ratio > 0 else 0.0)

    def quantile_s(self, share: float) -> float:
        """Latency that this share (0 to 1) of the events does not exceed."""
        beyond = share - (1 - self.waiting_ratio)
        if beyond <= 0 or self.waiting_ratio == 0:
            return self.floor_s
        return self.floor_s + self.longest_wait_s * beyond / self.waiting_ratio


def expect(model: str, conditions: Conditions) -> Expectation | None:
    """Closed form of one kind of model (`TransportStyle.model`); None where there is none. KeyError if unknown."""
    return _FORMS[model](conditions)


def poll_period_s(interval_s: float, answer_s: float, *, pause_after_answer: bool = False) -> float:
    """Effective distance of two polls of one client, who never has two of them on their way.

    On a fixed schedule the interval, unless the answer takes longer; with a pause after each answer their sum.
    """
    return interval_s + answer_s if pause_after_answer else max(interval_s, answer_s)


def mean_poll_wait_s(mean_period_s: float, coefficient_of_variation: float = 0.0) -> float:
    """Mean wait for the next poll, E[P²] / 2E[P]: half a period when it is fixed, a whole one when exponential."""
    return mean_period_s / 2 * (1 + coefficient_of_variation**2)


def poll_batch_events(rate_per_s: float, period_s: float) -> float:
    """Mean number of events in a poll that brings any, for Poisson events: λP / (1 - e^-λP)."""
    expected = rate_per_s * period_s
    return expected / -math.expm1(-expected) if expected > 0 else 1.0


def loss_without_cursor_ratio(rate_per_s: float, gap_s: float) -> float:
    """Share of Poisson events that a long poll without a cursor misses: λG / (1 + λG)."""
    return rate_per_s * gap_s / (1 + rate_per_s * gap_s)


def expected_loss_ratio(model: str, conditions: Conditions) -> float | None:
    """Share of the events that a client misses, 0 with a cursor; None where there is no formula."""
    if conditions.keeps_cursor or model not in ("short_poll", "long_poll"):
        return 0.0
    if conditions.arrival not in ("periodic", "poisson"):
        return None
    if model == "short_poll":
        return missed_by_latest_only_ratio(conditions)
    expected = _long_poll_without_cursor(conditions)
    if expected is None:
        return None
    told_per_s = expected.requests_per_s * (1 - (expected.empty_ratio or 0.0))
    return max(0.0, 1 - told_per_s / conditions.rate_per_s)


def expected_answer_s(model: str, conditions: Conditions) -> float | None:
    """Mean time from a poll's request to its answer, which is no latency; None where nothing is polled or known.

    A long poll's is its hold: it asks again at once, so that its requests and answers fill the time.
    """
    if model == "short_poll":
        return conditions.round_trip_s
    expected = _long_poll(conditions) if model == "long_poll" else None
    if expected is None:
        return None
    return 1 / expected.requests_per_s - (conditions.mean_gap_s - conditions.round_trip_s)


def longest_wait_s(model: str, conditions: Conditions) -> float:
    """How long an event can wait for the next poll of a client that keeps a cursor: 0 where nothing is polled."""
    return {
        "short_poll": conditions.poll_period_s,
        "long_poll": conditions.answer_s + conditions.turnaround_jitter_s,
    }.get(model, 0.0)


def missed_by_latest_only_ratio(conditions: Conditions) -> float:
    """Share of the events that a short poll for the latest value alone never sees (0 with a cursor)."""
    period_s = conditions.poll_period_s
    if conditions.arrival == "periodic":
        return max(0.0, 1 - conditions.event_period_s / period_s)
    expected = conditions.rate_per_s * period_s
    return 1 + math.expm1(-expected) / expected


def commensurate_mean_wait_s(interval_s: float, common_period_s: float) -> tuple[float, float]:
    """Bounds of one client's mean wait for a poll when interval and event period share the divisor given (gcd)."""
    return (interval_s - common_period_s) / 2, (interval_s + common_period_s) / 2


def _push(conditions: Conditions) -> Expectation:
    return _constant(conditions.one_way_delay_s)


def _short_poll(conditions: Conditions) -> Expectation | None:
    """Without a cursor only of evenly spaced events: the age of the latest of others is not spread evenly."""
    if not conditions.keeps_cursor and conditions.arrival != "periodic":
        return None
    period_s = conditions.poll_period_s
    empty_ratio = None
    if conditions.arrival == "periodic":
        empty_ratio = max(0.0, 1 - period_s * conditions.rate_per_s)
    elif conditions.arrival == "poisson":
        empty_ratio = math.exp(-conditions.rate_per_s * period_s)
    return Expectation(
        floor_s=conditions.one_way_delay_s,
        longest_wait_s=period_s if conditions.keeps_cursor else min(period_s, conditions.event_period_s),
        waiting_ratio=1.0,
        requests_per_s=1 / period_s,
        requests_per_event=1 / (conditions.rate_per_s * period_s),
        empty_ratio=empty_ratio,
    )


def _long_poll(conditions: Conditions) -> Expectation | None:
    if not conditions.keeps_cursor:
        return _long_poll_without_cursor(conditions)
    if conditions.arrival == "poisson":
        return _long_poll_poisson(conditions)
    if conditions.arrival == "periodic":
        return _long_poll_periodic(conditions)
    return None


def _long_poll_poisson(conditions: Conditions) -> Expectation:
    """A renewal process: a deaf gap G, then, unless something came in it, a wait for an event or the hold's end.

    With a random turnaround the gaps differ: requests and the mean are exact, and waits are taken to be spread evenly
    over the mean gap that events fall into, which makes the quantiles of the longest waits a little short.
    """
    rate_per_s, gap_s, hold_s = conditions.rate_per_s, conditions.mean_gap_s, conditions.hold_s
    expected_in_jitter = rate_per_s * conditions.turnaround_jitter_s
    nothing_in_jitter = -math.expm1(-expected_in_jitter) / expected_in_jitter if expected_in_jitter else 1.0
    nothing_in_gap = math.exp(-rate_per_s * conditions.answer_s) * nothing_in_jitter
    cycle_s = gap_s - nothing_in_gap * math.expm1(-rate_per_s * hold_s) / rate_per_s
    return Expectation(
        floor_s=conditions.one_way_delay_s,
        longest_wait_s=conditions.gap_around_an_event_s,
        waiting_ratio=gap_s / cycle_s,
        requests_per_s=1 / cycle_s,
        requests_per_event=1 / (rate_per_s * cycle_s),
        empty_ratio=nothing_in_gap * math.exp(-rate_per_s * hold_s),
    )


def _long_poll_periodic(conditions: Conditions) -> Expectation | None:
    """A cliff at Te = G; None where some gaps are longer than Te and others are not, or a hold ends between two events.

    What follows then has no short form.
    """
    gap_s, period_s = conditions.mean_gap_s, conditions.event_period_s
    back_in_time = period_s >= conditions.answer_s + conditions.turnaround_jitter_s
    if period_s > conditions.answer_s + conditions.hold_s or (not back_in_time and period_s >= conditions.answer_s):
        return None
    cycle_s = period_s if back_in_time else gap_s
    return Expectation(
        floor_s=conditions.one_way_delay_s,
        longest_wait_s=conditions.gap_around_an_event_s,
        waiting_ratio=0.0 if back_in_time else 1.0,
        requests_per_s=1 / cycle_s,
        requests_per_event=period_s / cycle_s,
        empty_ratio=0.0,
    )


def _long_poll_without_cursor(conditions: Conditions) -> Expectation | None:
    """After the deaf gap a wait for the next event, which is told without delay; what the gap hid is lost."""
    rate_per_s, gap_s, hold_s = conditions.rate_per_s, conditions.mean_gap_s, conditions.hold_s
    if conditions.arrival == "poisson":
        nothing_in_hold = math.exp(-rate_per_s * hold_s)
        cycle_s = gap_s + (1 - nothing_in_hold) / rate_per_s
    elif conditions.arrival == "periodic" and not conditions.turnaround_jitter_s:
        nothing_in_hold = 0.0
        # Rounded, as a gap of exactly so many periods is one in theory and a hair off in floating point.
        cycle_s = conditions.event_period_s * (math.floor(round(gap_s / conditions.event_period_s, 9)) + 1)
        if cycle_s > gap_s + hold_s:
            return None
    else:
        return None
    return Expectation(
        floor_s=conditions.one_way_delay_s,
        longest_wait_s=0.0,
        waiting_ratio=0.0,
        requests_per_s=1 / cycle_s,
        requests_per_event=1 / (rate_per_s * cycle_s),
        empty_ratio=nothing_in_hold,
    )


def _round_trip(conditions: Conditions) -> Expectation | None:
    return _two_way(conditions, conditions.round_trip_s)


def _round_trip_new_connection(conditions: Conditions) -> Expectation | None:
    return _two_way(conditions, 2 * conditions.round_trip_s)


def _two_way(conditions: Conditions, transit_s: float) -> Expectation | None:
    """None where requests, one at a time, would queue: unless they are evenly spaced and back in time."""
    if not conditions.asks_per_message:
        return _constant(transit_s)
    if conditions.arrival != "periodic" or conditions.event_period_s < transit_s:
        return None
    return _constant(transit_s, requests_per_s=conditions.rate_per_s, requests_per_event=1.0)


def _constant(latency_s: float, requests_per_s: float = 0.0, requests_per_event: float = 0.0) -> Expectation:
    return Expectation(latency_s, 0.0, 0.0, requests_per_s, requests_per_event, None)


_FORMS: dict[str, Callable[[Conditions], Expectation | None]] = {
    "push": _push,
    "short_poll": _short_poll,
    "long_poll": _long_poll,
    "round_trip": _round_trip,
    "round_trip_new_connection": _round_trip_new_connection,
}
