"""Quantiles of raw samples, by the one definition that all figures use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

QUANTILE_METHOD: Final = "inverted_cdf"


QUANTILE_DEFINITION = (
    "inverse of the empirical distribution function (Hyndman and Fan 1996, definition 1): "
    "the smallest observed value that at least this share of the observations does not exceed"
)


Sample = Sequence[float] | npt.NDArray[np.float64] | npt.NDArray[np.int64]


def quantiles(values: Sample, shares: Sequence[float]) -> list[float]:
    """Return exact quantiles by QUANTILE_DEFINITION, one per share (0 to 1); raise ValueError for an empty sample."""
    if len(values) == 0:
        raise ValueError("quantiles of an empty sample")
    return [float(value) for value in np.quantile(np.asarray(values), shares, method=QUANTILE_METHOD)]
