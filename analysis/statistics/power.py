"""What a planned experiment can show: the smallest difference that its test is likely to find, given the spread."""

from __future__ import annotations

import math

from scipy.special import nctdtrinc

from analysis.statistics.stats import Spread, t_quantile

POWER = 0.8
"""The share of experiments that find a difference of that size: the convention since J. Cohen, *Statistical Power
Analysis for the Behavioral Sciences* (1988)."""


def smallest_detectable(spread: float, pairs: int, known: Spread) -> float:
    """Return the smallest difference that a paired t test at 95 % finds in 80 % of experiments with this many pairs.

    `spread` is the standard deviation of the differences within pairs. Their mean over its standard error s / √n has
    the noncentral t distribution with n - 1 degrees of freedom and noncentrality δ / (s / √n). It has to exceed the
    half-width of the interval, which is t times the factor by which `known` widens it. (The minimum
    detectable effect of H. S. Bloom, Evaluation Review 19, 1995, p. 547, exact for few pairs.)
    """
    degrees_of_freedom = pairs - 1
    half_width = known.factor * t_quantile(degrees_of_freedom)
    noncentrality = float(nctdtrinc(degrees_of_freedom, 1 - POWER, half_width))
    return noncentrality * max(spread, known.least) / math.sqrt(pairs)
