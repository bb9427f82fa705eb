"""How late what was scheduled really happened, and whether that could move a figure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loadtests.records.documents import JsonObject
from loadtests.records.tables import Ints

HICCUP_NS = 100_000_000
"""What is late within one such span has one cause: every machine stops for a moment now and then."""
LATE_MS, LATE_RATIO = 5.0, 0.1
"""Later than both, and no sampling error of a point hides it; the ratio is of the scheduled latency."""
EXCEPTIONS_RATIO, EXCEPTIONS = 0.05, 2
"""As many may be so late beside the worst hiccup, whichever is more: one event of a few says nothing."""
MEAN_MS, MEAN_RATIO = 1.0, 0.03
"""How much of a mean latency may be lateness: beyond that it is the machine that was measured."""


@dataclass(frozen=True)
class Lateness:
    """Scheduled things of a trial's window, in any order: when each was due, and by how much it was late."""

    due_ns: Ints
    late_ms: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.due_ns)

    def beyond(self, limit_ms: float) -> int:
        """Count what was later than the limit, without the one hiccup that explains the most of it."""
        late_ns = np.sort(self.due_ns[self.late_ms > limit_ms])
        if not len(late_ns):
            return 0
        in_one_hiccup = np.searchsorted(late_ns, late_ns + HICCUP_NS) - np.arange(len(late_ns))
        return int(len(late_ns) - in_one_hiccup.max())

    def excess(self, what: str, scheduled_ms: float, least_ms: float = LATE_MS) -> str | None:
        """Say how late `what` ("polls were sent") was, where that could move a figure; else None.

        A mean moves with the mean lateness, a tail with the share of what is late. Both limits grow with
        `scheduled_ms`, the latency that the schedule alone makes.
        """
        if not len(self):
            return None
        mean_ms, mean_limit_ms = float(self.late_ms.mean()), MEAN_MS + MEAN_RATIO * scheduled_ms
        if mean_ms > mean_limit_ms:
            return (
                f"{what} {mean_ms:.1f} ms late on average, the worst {self.late_ms.max():.1f} ms "
                f"(at most {mean_limit_ms:.3g} ms on average)"
            )
        return self.excess_of_many(what, max(least_ms, LATE_RATIO * scheduled_ms))

    def excess_of_many(self, what: str, limit_ms: float) -> str | None:
        """Say how many of `what` were later than the limit, where they are more than exceptions; else None."""
        late = self.beyond(limit_ms)
        if late <= max(EXCEPTIONS, EXCEPTIONS_RATIO * len(self)):
            return None
        return (
            f"{late} of {len(self)} {what} more than {limit_ms:.3g} ms late, the worst {self.late_ms.max():.1f} ms "
            f"(at most {EXCEPTIONS_RATIO:.0%} or {EXCEPTIONS}, and one hiccup)"
        )


def scheduled_latency_ms(parameters: JsonObject) -> float:
    """Return the mean latency that the parameters alone make, ms: one transit, and half of a poll interval."""
    return float(parameters["one_way_delay_ms"]) + 500.0 * float(parameters.get("poll_interval_s", 0.0))
