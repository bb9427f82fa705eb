"""What a model of a kind of transport predicts, from which conditions; each kind has a module of its own.

`analysis.models.registry` has all kinds. Facts about a kind that need no formula (who sends, who is asked) are in
`contract.transports.KINDS`. Closed forms (docs/method/method.md) are of one client, and assume a fixed symmetric delay,
no loss, an unsaturated server, independent phases and replay from a cursor. Times are seconds, rates per second.
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
    asks_per_message: bool = False
    """For round trips: whether a message is an HTTP request, one at a time, or a frame on an open channel."""
    connects_per_poll: bool = False
    """Whether each poll first opens its own connection, which takes a round trip."""
    keeps_cursor: bool = True
    """For polls: whether they ask for the events after a cursor; otherwise they see only the latest or the next event.
    """
    pauses: bool = False
    """For short polls: whether the interval counts from the last answer and not from the last poll."""
    turnaround_s: float = 0.0
    """Of a long poll: what a client takes between an answer and its next request; no parameter, as it is measured."""
    turnaround_jitter_s: float = 0.0
    """For long polls: the longest random time that a client waits after an answer before it asks again."""

    @classmethod
    def of_point(cls, parameters: Parameters, style: TransportStyle) -> Conditions:
        """Return the conditions of a point, from all its parameters and its transport."""
        return cls(
            rate_per_s=parameters.rate_per_s,
            arrival=parameters.arrival,
            one_way_delay_s=parameters.one_way_delay_ms / 1000,
            poll_interval_s=parameters.poll_interval_s,
            hold_s=parameters.hold_s,
            asks_per_message=style.polling,
            connects_per_poll=not parameters.keep_alive,
            keeps_cursor=parameters.cursor,
            pauses=parameters.pacing == "pause",
            turnaround_jitter_s=parameters.turnaround_jitter_ms / 1000,
        )

    @property
    def round_trip_s(self) -> float:
        """Two transits."""
        return 2 * self.one_way_delay_s

    @property
    def answer_s(self) -> float:
        """The time of a poll's whole exchange, and the long poll's deaf gap if its client asks again at once."""
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
    """Whether all clients ask together, after the event that all of them were sent, and not at times of their own."""

    @classmethod
    def constant(cls, latency_s: float, requests_per_s: float = 0.0, requests_per_event: float = 0.0) -> Expectation:
        """Return the expectation that every event takes the same time."""
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
    """The limits of the closed form: when a server is full, and the delay that a busy one adds."""

    per: Literal["delivery", "request"]
    """What one service time is spent on."""
    saturated_at_clients: Callable[[Conditions, float], float]
    """The clients at which a service time in s fills a core of the server."""
    broadcast_mean_s: Callable[[int, float, float], float] | None = None
    """From clients, service time and one-way delay: the mean latency of an event; None if clients fetch events."""
    broadcast_max_s: Callable[[int, float, float], float] | None = None
    """The same for the client that is served last."""
    cycle_s: Callable[[int, float], float] | None = None
    """From clients and service time: how often a saturated server answers each client; None if it holds no requests."""


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
    """The prediction on a trial's own schedule, with only a network."""
    with_queues: Callable[[Schedule, ServiceTimes, int], Prediction]
    """The same with the queues of server and load; the seed draws the order in which held requests are answered."""
    law: SaturationLaw | None = None
    lost_ratio: Callable[[Conditions], float | None] = _nothing_lost
    """Share of the events that a client misses, 0 with a cursor; None where there is no formula."""
    answer_s: Callable[[Conditions], float | None] = _no_answers
    """Mean time from a poll's request to its answer, which is not latency; None if nothing is polled, or it is not
    known."""
    longest_wait_s: Callable[[Conditions], float] = _no_wait
    """How long an event can wait for the next poll of a client with a cursor: 0 if nothing is polled."""
