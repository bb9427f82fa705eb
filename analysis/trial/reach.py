"""The time an event takes to reach 99 % of the clients, as a mean over events.

The p99 of pooled deliveries mixes slow clients with slow events, and needs a thousand events. With many clients and few
events, the question is when the last clients receive an event.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.statistics.distribution import NS_PER_MS
from contract.records import Ints

REACH_RATIO = 0.99
_CELLS_AT_ONCE = 2_000_000
_ABSENT_NS = np.iinfo(np.int64).min


@dataclass(frozen=True)
class Reach:
    """The times within which 99 % of an event's deliveries arrived, over the events due in one trial's window."""

    mean_ms: float
    model_mean_ms: float
    """The same by the model on the trial's own schedule."""

    @property
    def excess_ms(self) -> float:
        """How much later it was than by the model."""
        return self.mean_ms - self.model_mean_ms


def mean_reach_ms(latency_ns: Ints, counted: npt.NDArray[np.bool_]) -> float | None:
    """Return the mean over events of the time within which 99 % of their counted deliveries arrived, or None.

    Both arrays have the shape (clients, events). The time is one of the observed values, as quantiles are.
    """
    clients, events = counted.shape
    step = max(1, _CELLS_AT_ONCE // max(clients, 1))
    reached_ns: list[Ints] = []
    for first in range(0, events, step):
        own = counted[:, first : first + step]
        came = np.count_nonzero(own, axis=0)
        heard = np.flatnonzero(came)
        ordered_ns = np.sort(np.where(own, latency_ns[:, first : first + step], _ABSENT_NS)[:, heard], axis=0)
        last = np.ceil(np.round(REACH_RATIO * came[heard], 6)).astype(np.int64)
        reached_ns.append(ordered_ns[clients - came[heard] + last - 1, np.arange(len(heard))])
    return _mean_ms(reached_ns)


def _mean_ms(columns: Sequence[Ints]) -> float | None:
    total = sum(len(column) for column in columns)
    return math.fsum(float(column.sum()) for column in columns) / total / NS_PER_MS if total else None
