"""The difference of two figures whose trials share neither streams nor blocks."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from scipy.special import stdtrit

from analysis.statistics.stats import CONFIDENCE, ONLY_THE_TRIALS, Difference, Spread


def independent_difference(
    ours: Mapping[int, float],
    theirs: Mapping[int, float],
    estimate: float,
    pilot_blocks: tuple[int | None, int | None] = (None, None),
    spreads: tuple[Spread, Spread] = (ONLY_THE_TRIALS, ONLY_THE_TRIALS),
) -> Difference:
    """Return `estimate` with the interval of a difference of means of samples of unequal variance.

    `ours` and `theirs` are by block. B. L. Welch (Biometrika 34, 1947): the variances of both means add up, with his
    degrees of freedom. The spread of each is that of its first `pilot_blocks` (None: all), as for `stats.interval`,
    with further knowledge of it from `spreads`. Without either, the result is that of `scipy.stats.ttest_ind`, which
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
