"""What an experiment can show, known before it is made: the smallest difference that its test finds, by its spread."""

from __future__ import annotations

import math

from scipy.special import nctdtrinc

from analysis.statistics.stats import Spread, t_quantile

POWER = 0.8
"""How often a difference of that size is found: the convention since J. Cohen, *Statistical Power Analysis for the
Behavioral Sciences* (1988)."""


def smallest_detectable(spread: float, pairs: int, known: Spread) -> float:
    """Return the smallest difference that a paired t test at 95 % finds in 80 % of all experiments of so many pairs.

    `spread` is the standard deviation of the differences within pairs. Their mean over its standard error s / √n has
    the noncentral t distribution with n - 1 degrees of freedom about δ / (s / √n), and is to be beyond the half-width
    of the interval, t times the factor by which `known` widens it. (The minimum detectable effect of H. S. Bloom,
    Evaluation Review 19, 1995, p. 547, exact for few pairs.)
    """
    degrees_of_freedom = pairs - 1
    half_width = known.factor * t_quantile(degrees_of_freedom)
    noncentrality = float(nctdtrinc(degrees_of_freedom, 1 - POWER, half_width))
    return noncentrality * max(spread, known.least) / math.sqrt(pairs)
