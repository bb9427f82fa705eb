"""Figures with their 95 % intervals, as a summary has them."""

from __future__ import annotations

import math

from analysis.statistics.stats import Interval, cut_off, interval
from contract.quantiles import Sample
from contract.summary import Estimate

ANYWHERE: Interval = (-math.inf, math.inf)


def estimate(value: float, per_trial: Sample, possible: Interval = ANYWHERE) -> Estimate:
    """Return a figure with the interval from the spread between trials, cut off where no value is possible."""
    return Estimate(value, cut_off(interval(value, per_trial), value, possible))
