"""The parts of a model: its conditions, its expectation, and its law of saturation.

`analysis.models.registry` has the models of all kinds of transport; facts about a kind that need no formula are in
`contract.transports.KINDS`. Closed forms (docs/method/method.md) are for one client, and assume a fixed symmetric
delay, no loss, an unsaturated server, independent phases and replay from a cursor. Times are seconds, rates per second.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from analysis.models.queues import ServiceTimes
from analysis.models.schedule import Prediction, Schedule
from contract.parameters import Parameters
from contract.transports import TransportStyle


@dataclass(frozen=True)
class Conditions:
    """The inputs of the closed forms."""

    rate_per_s: float
    arrival: str
    """`periodic`, `poisson` or `burst`."""
    one_way_delay_s: float
    poll_interval_s: float | None = None
    """Of short polls; None for others."""
    hold_s: float | None = None
    """Of long polls; None for others."""
    requests_per_message: bool = False
    """For round trips: whether each message is an HTTP request, one at a time, and not a frame on an open channel."""
    connects_per_poll: bool = False
    """Whether each poll first opens its own connection, which takes a round trip."""
    keeps_cursor: bool = True
    """For polls: whether they request the events after a cursor instead of only the latest or the next event."""
    pauses: bool = False
    """For short polls: whether the interval counts from the last answer and not from the last poll."""
    turnaround_s: float = 0.0
    """For long polls: the measured time that a client needs between an answer and its next request."""
    turnaround_jitter_s: float = 0.0
    """For long polls: the longest random time that a client waits between an answer and its next request."""

    @classmethod
    def of_point(cls, parameters: Parameters, style: TransportStyle) -> Conditions:
        """Return the conditions of a point, from all its parameters and its transport."""
        return cls(
            rate_per_s=parameters.rate_per_s,
            arrival=parameters.arrival,
            one_way_delay_s=parameters.one_way_delay_ms / 1000,
            poll_interval_s=parameters.poll_interval_s,
            hold_s=parameters.hold_s,
            requests_per_message=style.polling,
            connects_per_poll=not parameters.keep_alive,
            keeps_cursor=parameters.cursor,
            pauses=parameters.pacing == "pause",
            turnaround_jitter_s=parameters.turnaround_jitter_ms / 1000,
        )

    @property
    def round_trip_s(self) -> float:
        """The time of two transits."""
        return 2 * self.one_way_delay_s

    @property
    def answer_s(self) -> float:
        """The time of a poll's whole exchange; for a long poll, of the gap if its client polls again at once."""
        return self.round_trip_s * (2 if self.connects_per_poll else 1)

    @property
    def event_period_s(self) -> float:
        """The mean time between two events."""
        return 1 / self.rate_per_s


@dataclass(frozen=True)
class Expectation:
    """Latency and cost: a share of the events waits, uniformly up to `longest_wait_s`; the others do not wait."""

    floor_s: float
    """Latency of an event that does not wait."""
    longest_wait_s: float
    waiting_ratio: float
    requests_per_s: float
    requests_per_event: float
    empty_ratio: float | None
    """Share of the requests that bring no event; None if nothing is polled or no formula is known."""
    in_step: bool = False
    """Whether all clients poll at the same time, after an event, instead of independently of each other."""

    @classmethod
    def constant(cls, latency_s: float, requests_per_s: float = 0.0, requests_per_event: float = 0.0) -> Expectation:
        """Return the expectation of the same latency for every event."""
        return cls(latency_s, 0.0, 0.0, requests_per_s, requests_per_event, None)

    @property
    def mean_s(self) -> float:
        """Mean latency."""
        return self.floor_s + self.waiting_ratio * self.longest_wait_s / 2

    @property
    def max_s(self) -> float:
        """The longest latency possible."""
        return self.floor_s + (self.longest_wait_s if self.waiting_ratio > 0 else 0.0)

    def quantile_s(self, share: float) -> float:
        """Return the latency that this share (0 to 1) of the events does not exceed."""
        beyond = share - (1 - self.waiting_ratio)
        if beyond <= 0 or self.waiting_ratio == 0:
            return self.floor_s
        return self.floor_s + self.longest_wait_s * beyond / self.waiting_ratio


@dataclass(frozen=True)
class SaturationLaw:
    """The load at which a server is saturated, and the latency that a busy server adds."""

    per: Literal["delivery", "request"]
    """The unit of work that takes one service time."""
    saturated_at_clients: Callable[[Conditions, float], float]
    """From conditions and service time, s: the number of clients that saturate a core of the server."""
    broadcast_mean_s: Callable[[int, float, float], float] | None = None
    """From clients, service time and one-way delay, s: the mean latency of an event; None if clients poll."""
    broadcast_max_s: Callable[[int, float, float], float] | None = None
    """The same for the client that is served last."""
    cycle_s: Callable[[int, float], float] | None = None
    """From clients and service time, s: the time in which a saturated server answers each client once; None if it holds
    no requests."""


def _nothing_lost(_: Conditions) -> float | None:
    return 0.0


def _no_answers(_: Conditions) -> float | None:
    return None


def _no_wait(_: Conditions) -> float:
    return 0.0


@dataclass(frozen=True)
class Model:
    """The predictions for one kind of transport."""

    closed_form: Callable[[Conditions], Expectation | None]
    """The expectation; None if there is no formula for the conditions."""
    on_schedule: Callable[[Schedule], Prediction]
    """The prediction on a trial's own schedule, with only the delay of the network."""
    with_queues: Callable[[Schedule, ServiceTimes, int], Prediction]
    """The prediction with the queues of server and load as well; the seed determines the order of answers to held
    requests."""
    law: SaturationLaw | None = None
    lost_ratio: Callable[[Conditions], float | None] = _nothing_lost
    """Share of the events that a client misses, 0 with a cursor; None where there is no formula."""
    answer_s: Callable[[Conditions], float | None] = _no_answers
    """Mean time from a poll's request to its answer, which is not latency; None if nothing is polled, or it is not
    known."""
    longest_wait_s: Callable[[Conditions], float] = _no_wait
    """The longest wait of an event for the next poll of a client with a cursor, s; 0 if nothing is polled."""
