"""Figures with their 95 % intervals, in the form of a summary: `{"value": …, "ci95": [low, high]}`."""

from __future__ import annotations

import math
from collections.abc import Sequence

from analysis.statistics.stats import Interval, cut_off, interval
from contract.quantiles import Sample
from contract.records import JsonObject

ANYWHERE: Interval = (-math.inf, math.inf)


def estimate(value: float, per_trial: Sample, possible: Interval = ANYWHERE) -> JsonObject:
    """Return a figure with the interval from the spread between trials, cut off where no value is possible."""
    return with_bounds(value, cut_off(interval(value, per_trial), value, possible))


def with_bounds(value: float | None, bounds: Sequence[float] | None) -> JsonObject:
    """Return a figure and its interval as JSON; null if they are not known."""
    return {"value": value, "ci95": None if bounds is None else list(bounds)}
