"""Freshness: for how long each client's view of the stream is out of date.

The age of information of Kaul, Yates and Gruteser ("Real-time status: How often should one update?", INFOCOM 2012) is
now − the generation time of the newest update received. It suits a sensor, whose last value becomes outdated by itself.
In a stream of events, a view is not stale when nothing has happened, so here the age is that of the missing events:

   age of a client's view at t = t − due time of the oldest event that is due by t and not yet delivered to it;
   0 if there is none: the view is up to date.

This is fair to batching: ten events that arrive together after a second make the view a second old once, not ten times.
An event that never arrives stays outstanding to the end of the window; all that is outstanding there is cut off
(right-censored), and events left over from the warm-up count until they arrive.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from contract.records import Ints

Floats = npt.NDArray[np.float64]
NS_PER_MS = 1e6
NEVER_NS = np.iinfo(np.int64).max
"""Arrival of an event that was not delivered."""


@dataclass(frozen=True)
class ViewAges:
    """The ages of all clients' views: in each row the age rises at the pace of time from `from_ns` to `to_ns`."""

    from_ns: Ints
    to_ns: Ints
    observed_ms: float
    """The time for which all clients together were observed, up to date or not."""

    def __len__(self) -> int:
        return len(self.to_ns)

    def older_than(self, ages_ms: npt.ArrayLike) -> Floats:
        """Return the exact share of time in which the view was older than each of `ages_ms` (0 or more)."""
        ages = np.asarray(ages_ms, dtype=np.float64)
        return (_excess_ms(self.to_ns, ages) - _excess_ms(self.from_ns, ages)) / self.observed_ms

    @property
    def mean_ms(self) -> float:
        """Mean age over time, ms; it is 0 while a view is up to date."""
        from_ms, to_ms = self.from_ns / NS_PER_MS, self.to_ns / NS_PER_MS
        return float(((to_ms - from_ms) * (to_ms + from_ms)).sum()) / 2 / self.observed_ms

    @property
    def greatest_ms(self) -> float:
        """The greatest age of at least one row."""
        return float(self.to_ns.max()) / NS_PER_MS


def view_ages(due_ns: Ints, arrival_ns: Ints, window_ns: tuple[int, int]) -> ViewAges:
    """Compute the ages of views over a window from when events were due and when they arrived at each client.

    `due_ns` has shape (events,) and ascends, `arrival_ns` has shape (clients, events), with NEVER_NS for an event that
    did not arrive.
    """
    start_ns, end_ns = window_ns
    # Event i is the oldest missing one from when all before it have arrived until it arrives itself.
    complete_ns = np.maximum.accumulate(arrival_ns, axis=1)
    begin_ns = np.maximum(np.broadcast_to(due_ns, arrival_ns.shape), start_ns)
    begin_ns[:, 1:] = np.maximum(begin_ns[:, 1:], complete_ns[:, :-1])
    until_ns = np.minimum(complete_ns, end_ns)
    missing = until_ns > begin_ns
    due_of_each = np.broadcast_to(due_ns, arrival_ns.shape)[missing]
    return ViewAges(
        from_ns=begin_ns[missing] - due_of_each,
        to_ns=until_ns[missing] - due_of_each,
        observed_ms=len(arrival_ns) * (end_ns - start_ns) / NS_PER_MS,
    )


def pooled_ages(trials: Sequence[ViewAges]) -> ViewAges:
    """Return the ages of a point's trials, at least one, as if they were observed one after the other."""
    return ViewAges(
        np.concatenate([ages.from_ns for ages in trials]),
        np.concatenate([ages.to_ns for ages in trials]),
        sum(ages.observed_ms for ages in trials),
    )


def _excess_ms(values_ns: Ints, levels_ms: Floats) -> Floats:
    """Return, for each level, the sum of the amounts by which values exceed it.

    Each value is counted at the highest level that it exceeds; only the levels need sorting.
    """
    order = np.argsort(levels_ms)
    levels = levels_ms[order]
    values_ms = values_ns / NS_PER_MS
    below = np.searchsorted(levels, values_ms)
    counts = np.bincount(below, minlength=len(levels) + 1)
    sums_ms = np.bincount(below, weights=values_ms, minlength=len(levels) + 1)
    above, sum_above_ms = (np.cumsum(of[:0:-1])[::-1] for of in (counts, sums_ms))
    excess_ms = np.empty(len(levels))
    excess_ms[order] = sum_above_ms - above * levels
    return excess_ms
