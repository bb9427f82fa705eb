"""Which trials are measured again: those that the machine disturbed, as far as number and budget allow.

What is repeated is decided by the machine's signs alone (`loadtests.records.disturbance`) and never by latencies, so
that repeating prefers no result; `benchmarks`' simulation of interval coverage includes the rule.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

MOST_REPEATS_OF_A_TRIAL = 2
"""A machine that disturbs three attempts in a row is busy, and no luck of the moment."""
MOST_REPEATED_RATIO = 0.5
"""Of a run's planned trials, rounded up."""


@dataclass
class Repeats:
    """How many repeats a run has left."""

    left: int
    """Of all its trials together."""
    left_s: float
    """Of its budget, beyond what its planned trials need."""

    @classmethod
    def of(cls, trials: int, spare_s: float) -> Repeats:
        """Return what a run of so many planned trials begins with; `spare_s` is what its budget leaves over."""
        return cls(math.ceil(MOST_REPEATED_RATIO * trials), spare_s)

    def grant(self, attempts: int, needed_s: float) -> bool:
        """Take one repeat of a trial that was attempted so often and needs so long; False where none is left."""
        if attempts > MOST_REPEATS_OF_A_TRIAL or not self.left or needed_s > self.left_s:
            return False
        self.left -= 1
        self.left_s -= needed_s
        return True
