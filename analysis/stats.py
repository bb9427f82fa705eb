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

Interval = tuple[float, float]
Sample = Sequence[float] | npt.NDArray[np.float64] | npt.NDArray[np.int32] | npt.NDArray[np.int64]


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


def interval(estimate: float, per_trial: Sample, further: int = 0) -> Interval | None:
    """95 % interval of an estimate pooled over trials, from the same statistic of each trial; None with one trial.

    `further` trials that were added because of what `per_trial`, the pilot, had shown, are in the estimate but not in
    the spread (Stein 1945, see `t_interval`).

    Student's t, however many trials there are: a bootstrap over trials (BCa, Efron 1987) covers less than it says up to
    20 of them and more, for normal and for skewed statistics alike; `python -m analysis.coverage` shows by how much.
    """
    return t_interval(estimate, per_trial, further) if len(per_trial) > 1 else None


def t_interval(estimate: float, per_trial: Sample, further: int = 0) -> Interval:
    """estimate ± t · s / √(n + further) with n - 1 degrees of freedom, s the spread between n ≥ 2 trials.

    Student (1908); with further trials Stein (Ann. Math. Stat. 16, 1945, p. 243). The mean of normal trials does not
    depend on the spread of the first n, so it does not matter that their number was chosen by it, whichever statistic
    of the pilot it was chosen by: the same holds for all statistics that are jointly normal with that one.
    """
    pilot = len(per_trial)
    half = float(stdtrit(pilot - 1, (1 + CONFIDENCE) / 2)) * float(np.std(per_trial, ddof=1))
    half /= math.sqrt(pilot + further)
    return estimate - half, estimate + half


def paired_difference(
    ours: Mapping[int, float], theirs: Mapping[int, float], pilot_blocks: int | None = None
) -> Difference | None:
    """Mean of ours - theirs over the blocks that both have; None where they share none.

    Pairing takes out what moves a whole block: the machine's mood, the luck of its stream. Of the first `pilot_blocks`
    (None: all) comes the spread, as for `interval`.
    """
    blocks = sorted(ours.keys() & theirs.keys())
    if not blocks:
        return None
    mean = float(np.mean([ours[block] - theirs[block] for block in blocks]))
    pilot = [ours[block] - theirs[block] for block in blocks if pilot_blocks is None or block < pilot_blocks]
    return Difference(mean, interval(mean, pilot, len(blocks) - len(pilot)), len(blocks))
