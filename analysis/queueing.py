"""A latency in three: the network's part, queueing by our own server and load, and what neither model explains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.costs import Processor
from analysis.distribution import Distribution, distribution_of
from analysis.latency import due_in_window
from analysis.long_columns import Times, joined
from analysis.own_schedule import schedule_of
from analysis.queue_model import HOLDING, ServiceTimes, predict_queued
from loadtests.records import JsonObject, SampleRole, TransportStyle, Trial

MOST_REQUESTS = 200_000
"""In the measured window: more are not followed one by one, which takes about 5 µs each."""
FIGURES = ("mean", "p50", "p95", "p99")


@dataclass(frozen=True)
class Queued:
    """What the model with queues says of one trial."""

    times: ServiceTimes
    predicted_ns: Times
    """Latencies of all events due in the window at all clients that it has delivered: shape (predicted deliveries,)."""
    requests: int
    """All clients together, sent within the window."""


@dataclass(frozen=True)
class NotQueued:
    """Why the model with queues says nothing of a trial."""

    reason: str


def queued(
    trial: Trial,
    style: TransportStyle,
    processors: Mapping[SampleRole, Processor | None],
    answers: int,
    plain_requests: int,
) -> Queued | NotQueued:
    """Evaluate the model with queues on a trial's own schedule.

    `answers` is what the processors' CPU time in the window was spent on: answered polls, or deliveries;
    `plain_requests` are those in the window by the model without queues.
    """
    server, load = processors[SampleRole.SERVER], processors[SampleRole.LOAD]
    if server is None or load is None:
        return NotQueued(f"the CPU time of the {'server' if server is None else 'load'} is not known")
    if not answers:
        return NotQueued("nothing was delivered in the measured window")
    if (workers := trial.info.parameters.get("workers", 1)) > 1:
        return NotQueued(f"the server has {workers} processes, and the model has one")
    if plain_requests > MOST_REQUESTS:
        return NotQueued(f"its clients send more than {MOST_REQUESTS:,} requests in the measured window")
    waking_ratio = trial.info.waking_ratio
    if style.model in HOLDING and waking_ratio is None:
        return NotQueued("no burst of empty polls told which share of a held poll's cost falls due when it is answered")
    answer_ns = server.cpu_ns / answers
    times = ServiceTimes(round(answer_ns), round((waking_ratio or 0.0) * answer_ns), round(load.cpu_ns / answers))
    prediction = predict_queued(style.model, schedule_of(trial, style), times, trial.info.own_seed)
    return Queued(times, prediction.latencies_ns(due_in_window(trial, style)), int(prediction.requests.sum()))


def pooled_queue_model(trials: Sequence[Queued | NotQueued], due_deliveries: int) -> JsonObject:
    """The model with queues for all deliveries of a point, with the mean of its trials' service times.

    Null with the `reason` where it says nothing of one of them.
    """
    known = [trial for trial in trials if isinstance(trial, Queued)]
    reasons = [trial.reason for trial in trials if isinstance(trial, NotQueued)]
    pooled = None if reasons else distribution_of(joined([trial.predicted_ns for trial in known]))
    if pooled is None:
        names = [*_named(dict.fromkeys(FIGURES, 0.0)), "requests_per_event", "answer_us", "waking_us", "read_us"]
        return {**dict.fromkeys(names), "reason": (reasons or ["the model delivers nothing in the measured window"])[0]}
    times = [trial.times for trial in known]
    return {
        **_named(pooled),
        "requests_per_event": sum(trial.requests for trial in known) / due_deliveries,
        "answer_us": float(np.mean([each.answer_ns for each in times])) / 1000,
        "waking_us": float(np.mean([each.waking_ns for each in times])) / 1000,
        "read_us": float(np.mean([each.read_ns for each in times])) / 1000,
        "reason": None,
    }


def split_mean_ms(measured_ms: float | None, network_ms: float | None, queued_ms: float | None) -> JsonObject:
    """The parts of a mean latency, which add up to it; null where a figure that one needs is not known."""
    return {
        "network": network_ms,
        "queueing": None if network_ms is None or queued_ms is None else queued_ms - network_ms,
        "unexplained": None if measured_ms is None or queued_ms is None else measured_ms - queued_ms,
    }


def _named(distribution: Distribution) -> dict[str, float]:
    return {f"{name}_ms": distribution[name] for name in FIGURES}
