"""The number of trials that a point needs until its median is as precise as the scenario asks. Pure.

Stein's two-stage procedure (C. Stein, A two-sample test for a linear hypothesis whose power is independent of the
variance, Ann. Math. Stat. 16, 1945, 243-258). The first blocks are a pilot. Their spread alone determines, once and for
all, how many trials a point needs. Checking after every block and stopping as soon as the interval happens to be narrow
would favour moments at which the spread is underestimated, and such intervals cover less than they claim; see `python
-m benchmarks.interval_coverage`.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from contract.quantiles import quantiles
from contract.records import PointPrecision, Trial
from contract.records.measured import is_measured

CONFIDENCE = 0.95
FINEST_MS = 0.2
"""Nothing smaller is claimed, so no trial is spent on an interval with a smaller half-width than this."""
_NS_PER_MS = 1e6


def p50_ms(trial: Trial) -> float | None:
    """Return the median latency of a trial, as the headline states it; None if no delivery was measured."""
    rows = trial.deliveries.where(is_measured(trial))
    if not len(rows):
        return None
    [p50_ns] = quantiles(trial.arrivals_ns(rows) - rows.due_ns, [0.5])
    return p50_ns / _NS_PER_MS


def judge_pilot(point: int, pilot_ms: Sequence[float], precision_ratio: float) -> PointPrecision | None:
    """Return what a point needs by the medians of its pilot's trials; None for fewer than two, which have no spread.

    The interval's half-width h must be at most `precision_ratio` of the pilot's mean. Then N = (t s / h)² trials are
    enough, with s the pilot's standard deviation and t Student's with the pilot's n - 1 degrees of freedom.
    """
    from scipy.special import stdtrit  # noqa: PLC0415 - slow to import, and only runs with a precision need it

    if len(pilot_ms) < 2:
        return None
    wanted_ms = max(precision_ratio * abs(statistics.fmean(pilot_ms)), FINEST_MS)
    t = float(stdtrit(len(pilot_ms) - 1, (1 + CONFIDENCE) / 2))
    needed = math.ceil((t * statistics.stdev(pilot_ms) / wanted_ms) ** 2)
    return PointPrecision(point, wanted_ms, max(needed, len(pilot_ms)))
