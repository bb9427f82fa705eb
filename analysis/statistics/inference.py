"""Intervals, differences and the power to detect them, as pure functions of the trials' figures.

The trial is the statistical unit: messages of one trial share a server, a stream and a moment, and are not independent.
Every interval is from the spread between trials.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import nctdtrinc, ndtri, stdtr, stdtrit

from contract.quantiles import Sample
from contract.summary import Estimate

CONFIDENCE = 0.95

Interval = tuple[float, float]
AT_LEAST_ZERO: Interval = (0.0, math.inf)
"""The possible values of a time, a count or a size."""
SHARE: Interval = (0.0, 1.0)
"""The possible values of a share."""


@dataclass(frozen=True)
class Difference:
    """A paired difference, with its interval and standard error if there are at least two pairs."""

    value: float
    ci95: Interval | None
    pairs: int
    standard_error: float | None = None
    degrees_of_freedom: float | None = None

    def p_value(self, uncertainty: float = 0.0) -> float | None:
        """Return the two-sided p value of the hypothesis that the difference is at most `uncertainty`.

        By Student's test; None without a standard error.
        """
        if self.standard_error is None or self.degrees_of_freedom is None:
            return None
        beyond = abs(self.value) - uncertainty
        if beyond <= 0 or self.standard_error == 0:
            return float(beyond <= 0)
        return 2 * float(stdtr(self.degrees_of_freedom, -beyond / self.standard_error))


@dataclass(frozen=True)
class Spread:
    """Corrections of the spread of a statistic between trials, which a few trials underestimate."""

    least: float = 0.0
    """The least standard deviation between trials to use, however well the trials agree."""
    factor: float = 1.0
    """The factor by which intervals are widened."""


ONLY_THE_TRIALS = Spread()


def interval(estimate: float, per_trial: Sample, further: int = 0, spread: Spread = ONLY_THE_TRIALS) -> Interval | None:
    """Return the 95 % interval of an estimate pooled over trials, from each trial's statistic; None with one trial.

    `further` is the number of trials that were added because of the spread of `per_trial`, the pilot. They are part of
    the estimate, but not of the spread (Stein 1945, see `t_interval`).

    Student's t, however many trials there are; `python -m benchmarks.interval_coverage` shows for each figure how often
    the interval contains the true value. (A bootstrap over trials, BCa by Efron 1987, covers less than it claims for up
    to 20 trials.)
    """
    return t_interval(estimate, per_trial, further, spread) if len(per_trial) > 1 else None


def cut_off(bounds: Interval | None, estimate: float, possible: Interval) -> Interval | None:
    """Return an interval cut off at the `possible` values, which does not change its coverage.

    It still contains the estimate, even if rounding has put that beyond the possible values.
    """
    if bounds is None:
        return None
    return min(estimate, max(possible[0], bounds[0])), max(estimate, min(possible[1], bounds[1]))


def t_interval(estimate: float, per_trial: Sample, further: int = 0, spread: Spread = ONLY_THE_TRIALS) -> Interval:
    """Return estimate ± t · s / √(n + further) with n - 1 degrees of freedom, s the spread between n ≥ 2 trials.

    The half-width is at least z · `spread.least` / √(n + further), with z of the normal distribution, and is then
    multiplied by `spread.factor`.

    Student (1908); with further trials Stein (Ann. Math. Stat. 16, 1945, p. 243). The mean of normal trials does not
    depend on the spread of the first n, so it does not matter that their number was chosen by it, whichever statistic
    of the pilot it was chosen by: the same holds for all statistics that are jointly normal with that one.
    """
    pilot = len(per_trial)
    half = max(t_quantile(pilot - 1) * float(np.std(per_trial, ddof=1)), normal_quantile() * spread.least)
    half *= spread.factor / math.sqrt(pilot + further)
    return estimate - half, estimate + half


def t_quantile(degrees_of_freedom: int) -> float:
    """Return the half-width of a 95 % interval in standard errors, by Student's t."""
    return float(stdtrit(degrees_of_freedom, (1 + CONFIDENCE) / 2))


def normal_quantile() -> float:
    """Return the half-width of a 95 % interval in standard deviations that are known exactly."""
    return float(ndtri((1 + CONFIDENCE) / 2))


def paired_difference(
    ours: Mapping[int, float],
    theirs: Mapping[int, float],
    pilot_blocks: int | None = None,
    estimate: float | None = None,
    spread: Spread = ONLY_THE_TRIALS,
) -> Difference | None:
    """Return `estimate` (None: the mean of ours - theirs) over the blocks that both have; None if they share none.

    Pairing removes what affects a whole block: the state of the machine and the chance of its stream. The spread is
    that of the first `pilot_blocks` (None: all), as for `interval`. An estimate is the difference of two pooled
    figures: the difference of quantiles of all deliveries is not the mean of the trials' differences.
    """
    blocks = sorted(ours.keys() & theirs.keys())
    if not blocks:
        return None
    value = float(np.mean([ours[block] - theirs[block] for block in blocks])) if estimate is None else estimate
    pilot = [ours[block] - theirs[block] for block in blocks if pilot_blocks is None or block < pilot_blocks]
    if len(pilot) < 2:
        return Difference(value, None, len(blocks))
    standard_error = max(float(np.std(pilot, ddof=1)), spread.least) * spread.factor / math.sqrt(len(blocks))
    bounds = interval(value, pilot, len(blocks) - len(pilot), spread)
    return Difference(value, bounds, len(blocks), standard_error, len(pilot) - 1)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p values of several tests, adjusted so that one below 0.05 is wrong in at most 5 % of all families.

    S. Holm, *A simple sequentially rejective multiple test procedure* (Scandinavian Journal of Statistics 6, 1979).
    """
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted, reached = [0.0] * len(p_values), 0.0
    for rank, i in enumerate(order):
        reached = max(reached, min(1.0, (len(p_values) - rank) * p_values[i]))
        adjusted[i] = reached
    return adjusted


def independent_difference(
    ours: Mapping[int, float],
    theirs: Mapping[int, float],
    estimate: float,
    pilot_blocks: tuple[int | None, int | None] = (None, None),
    spreads: tuple[Spread, Spread] = (ONLY_THE_TRIALS, ONLY_THE_TRIALS),
) -> Difference:
    """Return `estimate` with the interval of a difference of means of samples of unequal variance.

    `ours` and `theirs` are by block. B. L. Welch (Biometrika 34, 1947): the variances of both means add up, with his
    degrees of freedom. The spread of each is that of its first `pilot_blocks` (None: all), as for `interval`,
    corrected by `spreads`. Without either, the result is that of `scipy.stats.ttest_ind`, which
    warns of equal samples.
    """
    samples = [
        [value for block, value in by_block.items() if pilot is None or block < pilot]
        for by_block, pilot in zip((ours, theirs), pilot_blocks, strict=True)
    ]
    trials = min(len(ours), len(theirs))
    if any(len(sample) < 2 for sample in samples):
        return Difference(estimate, None, trials)
    variances = [
        (max(float(np.std(sample, ddof=1)), spread.least) * spread.factor) ** 2 / len(by_block)
        for sample, by_block, spread in zip(samples, (ours, theirs), spreads, strict=True)
    ]
    variance = math.fsum(variances)
    if variance == 0:
        return Difference(estimate, (estimate, estimate), trials, 0.0, trials - 1)
    parts = [of_mean**2 / (len(sample) - 1) for of_mean, sample in zip(variances, samples, strict=True)]
    degrees = variance**2 / math.fsum(parts)
    half = float(stdtrit(degrees, (1 + CONFIDENCE) / 2)) * math.sqrt(variance)
    return Difference(estimate, (estimate - half, estimate + half), trials, math.sqrt(variance), degrees)


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


ANYWHERE: Interval = (-math.inf, math.inf)


def estimate(value: float, per_trial: Sample, possible: Interval = ANYWHERE) -> Estimate:
    """Return a figure with the interval from the spread between trials, cut off where no value is possible."""
    return Estimate(value, cut_off(interval(value, per_trial), value, possible))
