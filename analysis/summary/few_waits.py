"""Intervals that are withheld because so few events wait for a poll that the trials agree by chance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from analysis.formatting import figure
from analysis.models.model import Conditions, Expectation
from analysis.models.registry import MODELS
from analysis.statistics.distribution import EVENTS_BEYOND
from analysis.summary.pooled_latency import Trials, sample_events
from contract.summary import BytesIntervals, Freshness, IntervalsWithheld, Point
from contract.transports import TransportStyle

DEPEND_ON_WAITS = frozenset(
    {
        "latency_ms.mean",
        "reach_ms.p99",
        "requests_per_event",
        "requests_per_s",
        "empty_ratio",
        "bytes_per_event.up",
        "bytes_per_event.down",
        "bytes_per_event.total",
        "freshness.older_than_100_ms_ratio",
        "freshness.older_than_1_s_ratio",
        "freshness.mean_age_ms",
    }
)
"""The figures whose intervals `withhold_intervals` removes."""


def withhold_intervals(point: Point, trials: Trials, style: TransportStyle) -> Point:
    """Return the point without the intervals that few waits make too narrow, and with the reason.

    If no event waited in any trial, the trials agree, and the width of an interval from their spread would be 0.
    """
    expected = MODELS[style.model].closed_form(measured_conditions(trials, style))
    events = sample_events(trials)
    waits = expected_waits(expected, events)
    if waits is None or waits >= EVENTS_BEYOND:
        return point
    reason = f"of its {events} events {figure(waits)} can be expected to wait (expected at least {EVENTS_BEYOND})"
    return replace(
        point,
        latency_ms=replace(point.latency_ms, mean_ci95=None),
        reach_ms=None if point.reach_ms is None else replace(point.reach_ms, p99_ci95=None),
        requests_per_event_ci95=None,
        requests_per_s_ci95=None,
        empty_ratio_ci95=None,
        bytes_per_event_ci95=BytesIntervals(up=None, down=None, total=None),
        freshness=None if point.freshness is None else _without_intervals(point.freshness),
        intervals_withheld=IntervalsWithheld(waits, EVENTS_BEYOND, reason),
    )


def _without_intervals(freshness: Freshness) -> Freshness:
    return replace(
        freshness,
        older_than_100_ms_ratio_ci95=None,
        older_than_1_s_ratio_ci95=None,
        mean_age_ms_ci95=None,
    )


def measured_conditions(trials: Trials, style: TransportStyle) -> Conditions:
    """Return a point's conditions with the measured turnaround of its clients, as used on the trials' own schedules."""
    conditions = Conditions.of_point(trials[0].info.parameters, style)
    delays_ns = [trial.latencies.client_delay_ns for trial in trials]
    medians_ns = [float(np.median(delay_ns)) for delay_ns in delays_ns if delay_ns is not None and len(delay_ns)]
    return replace(conditions, turnaround_s=max(0.0, float(np.mean(medians_ns)) / 1e9)) if medians_ns else conditions


def expected_waits(expected: Expectation | None, events: int) -> float | None:
    """Return how many of the events wait by the closed form; None if none ever does, or there is no closed form."""
    return expected.waiting_ratio * events if expected is not None and expected.waiting_ratio else None
