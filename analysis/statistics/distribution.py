"""Mean, quantiles and maximum of columns of whole nanoseconds, in milliseconds.

Quantiles are observed values, so taking them of integers and dividing afterwards is the same as dividing first, and
needs half the memory.

All clients of a trial receive the same events, which are delayed together: the sample size is the number of events, not
of deliveries. A quantile is reported if at least ten events lie beyond it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from analysis.statistics.inference import ONLY_THE_TRIALS, Spread
from contract import quantiles
from contract.records import Ints

NS_PER_MS = 1e6
LATENCY_QUANTILES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}
"""The quantiles that every point should have; the report has a warning if there are too few events for one."""
RARE_QUANTILES = {"p999": 0.999}
"""Quantiles of points with very many events; for other points they are left out without a warning."""

EVENTS_BEYOND = 10
"""The least expected number of events beyond a quantile for it to be reported."""

TAIL_FACTOR = 1.2
"""The factor by which intervals of quantiles beyond the median are widened.

A trial's own tail consists of few of its events, and the spread between the tails of a few trials is too small more
often than Student's t allows for: without the factor, intervals of a push's p95 contain the true value in 90 to 92 % of
all runs (`python -m benchmarks.interval_coverage`)."""
RARE_TAIL_FACTOR = 1.5
"""The same for rare quantiles, beyond which a trial may have a single event: of exponential and log-normal latencies in
ten trials of 1000, 96 to 97 % of the intervals contain the true p99.9, and with the smaller factor 91 to 93 %."""
Distribution = dict[str, float]
"""`mean`, the quantiles of LATENCY_QUANTILES and RARE_QUANTILES, and `max`, in ms."""


def distribution_of(times_ns: Ints) -> Distribution | None:
    """Return the distribution of these times; None if there are none."""
    if not len(times_ns):
        return None
    found = mean_and_quantiles_ms(times_ns, LATENCY_QUANTILES | RARE_QUANTILES)
    return {**found, "max": float(times_ns.max()) / NS_PER_MS}


def mean_and_quantiles_ms(times_ns: Ints, shares: Mapping[str, float]) -> dict[str, float]:
    """Return `mean`, and the quantile of each named share, of at least one time."""
    quantiles = quantiles_ms(times_ns, list(shares.values()))
    return {"mean": float(np.mean(times_ns)) / NS_PER_MS, **dict(zip(shares, quantiles, strict=True))}


def quantiles_ms(times_ns: Ints, shares: Sequence[float]) -> list[float]:
    """Return quantiles by `quantiles.QUANTILE_DEFINITION`, in ms."""
    return [value_ns / NS_PER_MS for value_ns in quantiles.quantiles(times_ns, shares)]


def least_events(share: float) -> int:
    """Return the number of events that this quantile needs: 20 for a p50, 200 for a p95, 10,000 for a p99.9."""
    return math.ceil(round(EVENTS_BEYOND / (1 - share), 6))


def too_few_events(shares: Mapping[str, float], events: int) -> list[str]:
    """Return the names of the quantiles for which there are too few events."""
    return [name for name, share in shares.items() if events < least_events(share)]


def spread_of(name: str) -> Spread:
    """Return the factor by which intervals of a statistic are widened, as a `Spread`."""
    if name in RARE_QUANTILES:
        return Spread(factor=RARE_TAIL_FACTOR)
    in_the_tail = LATENCY_QUANTILES.get(name, 0.0) > LATENCY_QUANTILES["p50"]
    return Spread(factor=TAIL_FACTOR) if in_the_tail else ONLY_THE_TRIALS


def withhold_quantiles(
    distribution: Mapping[str, float], shares: Mapping[str, float], events: int
) -> dict[str, float | None]:
    """Return a copy of the distribution in which quantiles with too few events are None."""
    return {**distribution, **dict.fromkeys(too_few_events(shares, events))}
