"""Statistics of raw samples and of trials: pure functions of sequences, each with its source.

The trial is the unit: messages of one trial share a server, a stream and a moment, and are not independent. Every
interval here comes from the spread between trials.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

QUANTILE_METHOD: Final = "inverted_cdf"
QUANTILE_DEFINITION = (
    "inverse of the empirical distribution function (Hyndman and Fan 1996, definition 1): "
    "the smallest observed value that at least this share of the observations does not exceed"
)
CONFIDENCE = 0.95
BOOTSTRAP_FROM_TRIALS = 10
"""Below it a bootstrap covers far less than it says (Hesterberg 2015, section 4.1), and Student's t is used."""
_RESAMPLES = 9999
_BOOTSTRAP_SEED = 20_11

Interval = tuple[float, float]
Sample = Sequence[float] | npt.NDArray[np.float64]


@dataclass(frozen=True)
class Difference:
    """Mean of paired differences, with its interval where there are at least two pairs."""

    value: float
    ci95: Interval | None
    pairs: int


def quantiles(values: Sample, shares: Sequence[float]) -> list[float]:
    """Exact quantiles by QUANTILE_DEFINITION, one per share of 0 to 1; ValueError on an empty sample."""
    if len(values) == 0:
        raise ValueError("quantiles of an empty sample")
    return [float(value) for value in np.quantile(np.asarray(values), shares, method=QUANTILE_METHOD)]


def interval(estimate: float, per_trial: Sample) -> Interval | None:
    """95 % interval of an estimate pooled over trials, from the same statistic of each trial; None with one trial."""
    if len(per_trial) < 2:
        return None
    if len(per_trial) < BOOTSTRAP_FROM_TRIALS:
        return t_interval(estimate, per_trial)
    return bootstrap_interval(estimate, per_trial)


def t_interval(estimate: float, per_trial: Sample) -> Interval:
    """estimate ± t · s / √n with n - 1 degrees of freedom (Student 1908), s the spread between n ≥ 2 trials."""
    count = len(per_trial)
    half = float(stdtrit(count - 1, (1 + CONFIDENCE) / 2)) * float(np.std(per_trial, ddof=1))
    half /= math.sqrt(count)
    return estimate - half, estimate + half


def bootstrap_interval(estimate: float, per_trial: Sample) -> Interval:
    """BCa bootstrap of the mean over trials (Efron 1987), moved so that it stands around the pooled estimate.

    Seeded: the same trials give the same interval.
    """
    import scipy.stats  # noqa: PLC0415 - nearly a second of imports that a run of few trials does without

    trials = np.asarray(per_trial, dtype=np.float64)
    if np.ptp(trials) <= 1e-12 * float(np.max(np.abs(trials))):
        return estimate, estimate
    found = scipy.stats.bootstrap(
        (trials,),
        np.mean,
        confidence_level=CONFIDENCE,
        n_resamples=_RESAMPLES,
        method="BCa",
        rng=np.random.default_rng(_BOOTSTRAP_SEED),
    ).confidence_interval
    shift = estimate - float(np.mean(trials))
    return float(found.low) + shift, float(found.high) + shift


def paired_difference(ours: Mapping[int, float], theirs: Mapping[int, float]) -> Difference | None:
    """Mean of ours - theirs over the blocks that both have; None where they share none.

    Pairing takes out what moves a whole block: the machine's mood, the luck of its stream.
    """
    blocks = sorted(ours.keys() & theirs.keys())
    if not blocks:
        return None
    differences = [ours[block] - theirs[block] for block in blocks]
    mean = float(np.mean(differences))
    return Difference(mean, interval(mean, differences), len(blocks))
