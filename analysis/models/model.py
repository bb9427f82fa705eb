"""The predictions for one kind of transport; each kind has a module of its own, and `analysis.models.registry` has all.

Facts about a kind that need no formula (who sends, who is asked) are in `contract.transports.KINDS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from analysis.models.conditions import Conditions, Expectation
from analysis.models.queues import ServiceTimes
from analysis.models.schedule import Prediction, Schedule


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
