"""How late scheduled actions happened in a trial, and whether that could change a result."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from contract.parameters import Parameters
from contract.records.tables import Ints

HICCUP_NS = 100_000_000
"""All lateness within a span of this length counts as one hiccup: every machine pauses for a moment now and then."""
LATE_MS, LATE_RATIO = 5.0, 0.1
"""Lateness beyond the larger of both would show in a point's figures; the ratio is of the scheduled latency."""
EXCEPTIONS_RATIO, EXCEPTIONS = 0.05, 2
"""Number of actions that may be that late outside the worst hiccup, the larger of both; the ratio is of all actions.
One late action of a few proves nothing."""
MEAN_MS, MEAN_RATIO = 1.0, 0.03
"""Limit of the mean lateness: a constant plus a share of the scheduled latency."""


@dataclass(frozen=True)
class Lateness:
    """When each scheduled action of a trial's window was due, and how late it happened; in any order."""

    due_ns: Ints
    late_ms: npt.NDArray[np.float64]

    @classmethod
    def none(cls) -> Lateness:
        """Return the lateness of no actions."""
        return cls(np.empty(0, dtype=np.int64), np.empty(0))

    def __len__(self) -> int:
        return len(self.due_ns)

    def beyond(self, limit_ms: float) -> int:
        """Return how many actions were later than the limit, leaving out the one hiccup with the most of them."""
        late_ns = np.sort(self.due_ns[self.late_ms > limit_ms])
        if not len(late_ns):
            return 0
        in_one_hiccup = np.searchsorted(late_ns, late_ns + HICCUP_NS) - np.arange(len(late_ns))
        return int(len(late_ns) - in_one_hiccup.max())

    def describe_excess(self, what: str, scheduled_ms: float, mean_ms: float = MEAN_MS) -> str | None:
        """Return a sentence on how late `what` ("polls were sent") was, if that could change a result; else None.

        The mean lateness shifts a mean latency, many late actions shift its tail. Both limits grow with `scheduled_ms`,
        the mean latency that follows from the schedule alone; `mean_ms` is the constant part of the first.
        """
        if not len(self):
            return None
        late_ms, limit_ms = float(self.late_ms.mean()), mean_limit_ms(scheduled_ms, mean_ms)
        if late_ms > limit_ms:
            return (
                f"{what} {late_ms:.2f} ms late on average, the worst {self.late_ms.max():.1f} ms "
                f"(at most {limit_ms:.3g} ms on average)"
            )
        return self.describe_many_late(what, max(LATE_MS, LATE_RATIO * scheduled_ms))

    def describe_many_late(self, what: str, limit_ms: float) -> str | None:
        """Return a sentence on how many of `what` were later than the limit, if more than exceptions; else None."""
        late = self.beyond(limit_ms)
        if late <= max(EXCEPTIONS, EXCEPTIONS_RATIO * len(self)):
            return None
        return (
            f"{late} of {len(self)} {what} more than {limit_ms:.3g} ms late, the worst {self.late_ms.max():.1f} ms "
            f"(at most {EXCEPTIONS_RATIO:.0%} or {EXCEPTIONS}, and one hiccup)"
        )


def mean_limit_ms(scheduled_ms: float, mean_ms: float = MEAN_MS) -> float:
    """Return the largest mean lateness that changes no result of actions with this scheduled latency."""
    return mean_ms + MEAN_RATIO * scheduled_ms


def scheduled_latency_ms(parameters: Parameters) -> float:
    """Return the mean latency that follows from the parameters alone, ms: one transit and half a poll interval."""
    return parameters.one_way_delay_ms + 500.0 * parameters.longest_wait_for_poll_s
