"""Freshness: for how long each client's view of the stream is out of date, at any time and not only per event.

The age of information of Kaul, Yates and Gruteser ("Real-time status: How often should one update?", INFOCOM 2012) is
now − the generation time of the newest update received. It suits a sensor, whose last value fades by itself. In a
stream of events a view to which nothing has happened is not stale, so here the age is taken of what is missing:

    age of a client's view at t = t − due time of the oldest event that is due by t and not yet delivered to it;
    0 where there is none: the view is up to date.

It is fair to batching: ten events that come together after a second make the view a second old once, not ten times.
An event that never comes stays outstanding to the end of the window; all that is outstanding there is cut off there
(right-censored), and what is left over from the warm-up counts until it comes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loadtests.records import Ints

Floats = npt.NDArray[np.float64]
NEVER_NS = np.iinfo(np.int64).max
"""Arrival of an event that was not delivered."""


@dataclass(frozen=True)
class ViewAges:
    """The saw-tooth of all clients' ages: in each row the age rises steadily from `from_ms` to `to_ms`."""

    from_ms: Floats
    to_ms: Floats
    observed_ms: float
    """Time that all clients together were watched, up to date or not."""

    def older_than(self, ages_ms: npt.ArrayLike) -> Floats:
        """Share of time in which the view was older than each of `ages_ms` (0 or more): exact, nothing is sampled."""
        ages = np.asarray(ages_ms, dtype=np.float64)
        return (_excess(self.to_ms, ages) - _excess(self.from_ms, ages)) / self.observed_ms

    @property
    def mean_ms(self) -> float:
        """Mean age over time, 0 while up to date: the area under the saw-tooth."""
        return float(((self.to_ms - self.from_ms) * (self.to_ms + self.from_ms)).sum() / 2 / self.observed_ms)

    @property
    def corners_ms(self) -> Floats:
        """All ages at which the share as a function of age bends, 0 included, ascending: between two it is straight."""
        return np.unique(np.concatenate([[0.0], self.from_ms, self.to_ms]))


def view_ages(due_ns: Ints, arrival_ns: Ints, window_ns: tuple[int, int]) -> ViewAges:
    """Ages over a window of clients whose events were due at `due_ns`, ascending, and came at `arrival_ns`.

    `due_ns` has shape (events,), `arrival_ns` shape (clients, events), NEVER_NS where an event did not come.
    """
    start_ns, end_ns = window_ns
    clients, events = arrival_ns.shape
    # Event i is the oldest one missing from when all before it have come until it has come itself.
    complete_ns = np.maximum.accumulate(arrival_ns, axis=1)
    before_ns = np.concatenate([np.full((clients, 1), start_ns), complete_ns[:, : max(events - 1, 0)]], axis=1)
    begin_ns = np.maximum(np.maximum(before_ns[:, :events], due_ns), start_ns)
    until_ns = np.minimum(complete_ns, end_ns)
    missing = until_ns > begin_ns
    due_of_each = np.broadcast_to(due_ns, arrival_ns.shape)[missing]
    return ViewAges(
        from_ms=(begin_ns[missing] - due_of_each) / 1e6,
        to_ms=(until_ns[missing] - due_of_each) / 1e6,
        observed_ms=clients * (end_ns - start_ns) / 1e6,
    )


def pooled_ages(trials: Sequence[ViewAges]) -> ViewAges:
    """Trials of one point as if watched one after the other; there is at least one."""
    return ViewAges(
        np.concatenate([ages.from_ms for ages in trials]),
        np.concatenate([ages.to_ms for ages in trials]),
        sum(ages.observed_ms for ages in trials),
    )


def _excess(values: Floats, levels: Floats) -> Floats:
    """Sum of all that `values` exceed each level by."""
    ordered = np.sort(values)
    above = np.concatenate([np.cumsum(ordered[::-1])[::-1], [0.0]])
    first = np.searchsorted(ordered, levels, side="right")
    return above[first] - (len(ordered) - first) * levels
