"""Intervals of figures that depend on how many events wait, where so few do that trials hardly differ."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from analysis.formatting import figure
from analysis.models.conditions import Conditions, Expectation
from analysis.models.registry import MODELS
from analysis.statistics.distribution import EVENTS_BEYOND
from analysis.summary.pooled_latency import Trials, sample_events
from analysis.summary.results import value_at
from contract.records import JsonObject
from contract.transports import TransportStyle

DEPEND_ON_WAITS = (
    ("latency_ms", "mean_ci95"),
    ("reach_ms", "p99_ci95"),
    ("requests_per_event_ci95",),
    ("requests_per_s_ci95",),
    ("empty_ratio_ci95",),
    ("bytes_per_event_ci95", "up"),
    ("bytes_per_event_ci95", "down"),
    ("bytes_per_event_ci95", "total"),
    ("freshness", "older_than_100_ms_ratio_ci95"),
    ("freshness", "older_than_1_s_ratio_ci95"),
    ("freshness", "mean_age_ms_ci95"),
)
"""The places in a point of the intervals of those figures."""


def withhold_intervals(point: JsonObject, trials: Trials, style: TransportStyle) -> JsonObject | None:
    """Set the intervals to None that few waits would make too narrow, and return why; None where there are enough.

    Where no event of any trial waited, the trials agree, and an interval from their spread would be of no width.
    """
    expected = MODELS[style.model].closed_form(measured_conditions(trials, style))
    events = sample_events(trials)
    waits = expected_waits(expected, events)
    if waits is None or waits >= EVENTS_BEYOND:
        return None
    for *parents, key in DEPEND_ON_WAITS:
        fields = value_at(point, *parents) if parents else point
        if fields is not None:
            fields[key] = None
    reason = f"of its {events} events {figure(waits)} can be expected to wait (expected at least {EVENTS_BEYOND})"
    return {"waits": waits, "needed": EVENTS_BEYOND, "reason": reason}


def measured_conditions(trials: Trials, style: TransportStyle) -> Conditions:
    """Return a point's conditions with the turnaround that its clients had, as the models on the own schedules do."""
    conditions = Conditions.of_point(trials[0].info.parameters, style)
    delays_ns = [trial.latencies.client_delay_ns for trial in trials]
    medians_ns = [float(np.median(delay_ns)) for delay_ns in delays_ns if delay_ns is not None and len(delay_ns)]
    return replace(conditions, turnaround_s=max(0.0, float(np.mean(medians_ns)) / 1e9)) if medians_ns else conditions


def expected_waits(expected: Expectation | None, events: int) -> float | None:
    """Return how many of the events wait by the closed form; None where none ever does, or nothing is known."""
    return expected.waiting_ratio * events if expected is not None and expected.waiting_ratio else None
