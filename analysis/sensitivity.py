"""How far the model's own answer moves when the system takes a little time of its own.

A poll that reaches the server half a millisecond later may meet an event that it would have missed, and with it the
client's whole schedule changes: a small cost of the system moves a poll's figures by much more than itself, in either
direction. That is no error of the harness and no merit of the transport, and it can be computed: the model is evaluated
again with requests that are late by the time that this very trial was seen to take.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from analysis.distribution import NS_PER_MS, Distribution, distribution_of
from analysis.long_columns import Times
from analysis.own_schedule import Schedule, predict

TOLERANCE_MS = 0.5
TOLERANCE_RATIOS = {"mean_ms": 0.02, "p50_ms": 0.02, "p99_ms": 0.04, "requests_per_event": 0.02}
"""What the system may add to a figure without a word; of latencies TOLERANCE_MS in any case."""
LONGEST_OWN_TIME_MS = 2.0
"""A median residual beyond this is not taken for the system's own time: then it is the schedules that differ."""
_LATE_SHARES = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0)
"""Requests are late by so many times the own time of both directions: it differs from request to request."""

Figures = dict[str, float]
"""By the names of TOLERANCE_RATIOS."""
Counted = npt.NDArray[np.bool_]
"""Shape (clients, events): true for the deliveries that figures are taken from."""


@dataclass(frozen=True)
class Sensitivity:
    """What the system's own time does to the figures of one trial, by the model."""

    own_ms: float
    """What a delivery took longer than by the model, at the median; 0 to LONGEST_OWN_TIME_MS."""
    down: Figures
    """Least change of each figure, at most 0."""
    up: Figures
    """Largest change of each figure, at least 0; the own time of each delivery included."""


def tolerance(name: str, predicted: float) -> float:
    """How far a measured figure may lie from the predicted one without a word."""
    relative = TOLERANCE_RATIOS[name] * abs(predicted)
    return max(relative, TOLERANCE_MS) if name.endswith("_ms") else relative


def own_time_ms(residual_ns: Times) -> float:
    """The system's own time from latency − model of each delivery; 0 without any."""
    if not len(residual_ns):
        return 0.0
    return float(np.clip(np.median(residual_ns) / NS_PER_MS, 0.0, LONGEST_OWN_TIME_MS))


def figures(latency_ms: Distribution, requests: float, due_deliveries: int) -> Figures:
    """Mean, p50 and p99 of latencies, and requests per pair of client and due event."""
    latencies = {f"{name}_ms": latency_ms[name] for name in ("mean", "p50", "p99")}
    return {**latencies, "requests_per_event": requests / due_deliveries}


def sensitivity(model: str, schedule: Schedule, counted: Counted, own_ms: float) -> Sensitivity:
    """Of a trial whose model has at least one counted delivery, and whose system took `own_ms` of its own."""
    plain = _predicted(model, schedule, counted)
    late_by_ns = [round(share * 2 * own_ms * 1e6) for share in _LATE_SHARES]
    late = [
        _predicted(model, replace(schedule, connect_ns=schedule.connect_ns + late_ns), counted)
        for late_ns in late_by_ns
    ]
    changes = {name: [found[name] - plain[name] for found in (plain, *late)] for name in plain}
    return Sensitivity(
        own_ms,
        {name: min(values) for name, values in changes.items()},
        {name: max(values) + (own_ms if name.endswith("_ms") else 0.0) for name, values in changes.items()},
    )


def _predicted(model: str, schedule: Schedule, counted: Counted) -> Figures:
    prediction = predict(model, schedule)
    latency_ms = distribution_of(prediction.latencies_ns(counted))
    if latency_ms is None:
        raise ValueError("figures of an empty sample")
    return figures(latency_ms, float(prediction.requests.sum()), int(np.count_nonzero(counted)))


def exceeds(name: str, measured: float, predicted: float) -> bool:
    """Whether a measured figure lies farther from the prediction than goes without saying."""
    return abs(measured - predicted) > tolerance(name, predicted)
