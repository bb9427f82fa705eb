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

from analysis import stats
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


def own_time_ms(residual_ms: stats.Sample) -> float:
    """The system's own time from latency − model of each delivery; 0 without any."""
    return float(np.clip(np.median(residual_ms), 0.0, LONGEST_OWN_TIME_MS)) if len(residual_ms) else 0.0


def figures(latency_ms: stats.Sample, requests: float, due_deliveries: int) -> Figures:
    """Mean, p50 and p99 of at least one latency, and requests per pair of client and due event."""
    p50_ms, p99_ms = stats.quantiles(latency_ms, [0.5, 0.99])
    mean_ms = float(np.mean(latency_ms))
    return {"mean_ms": mean_ms, "p50_ms": p50_ms, "p99_ms": p99_ms, "requests_per_event": requests / due_deliveries}


def sensitivity(model: str, schedule: Schedule, counted: Counted, residual_ms: stats.Sample) -> Sensitivity:
    """Of a trial whose model has at least one counted delivery, from the latency − model of each delivery."""
    own_ms = own_time_ms(residual_ms)
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
    latency_ms = prediction.latency_ns[counted & prediction.reached] / 1e6
    return figures(latency_ms, float(prediction.requests.sum()), int(counted.sum()))


def exceeds(name: str, measured: float, predicted: float) -> bool:
    """Whether a measured figure lies farther from the prediction than goes without saying."""
    return abs(measured - predicted) > tolerance(name, predicted)
