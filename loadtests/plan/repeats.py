"""How many trials may be measured again because the machine disturbed them.

Whether one was disturbed is decided by what the machine reports (`contract.records.disturbance`) and never by
latencies, so that repeating favours no result; the simulation of the coverage of intervals
(`benchmarks.interval_coverage`) includes the rule.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

MOST_REPEATS_OF_A_TRIAL = 2
"""Three disturbed attempts in a row are no coincidence: the machine is busy."""
MOST_REPEATED_RATIO = 0.5
"""Repeats per planned trial of a run; the number is rounded up."""


@dataclass
class Repeats:
    """The repeats that a run has left."""

    left: int
    """Number of repeats, of all its trials together."""
    left_s: float
    """Time left in its budget beyond what its planned trials need."""

    @classmethod
    def of(cls, trials: int, spare_s: float) -> Repeats:
        """Return the repeats of a run with this many planned trials; `spare_s` is the time its budget leaves over."""
        return cls(math.ceil(MOST_REPEATED_RATIO * trials), spare_s)

    def grant(self, attempts: int, needed_s: float) -> bool:
        """Use up one repeat of a trial with this many attempts and this duration; return False if none is left."""
        if attempts > MOST_REPEATS_OF_A_TRIAL or not self.left or needed_s > self.left_s:
            return False
        self.left -= 1
        self.left_s -= needed_s
        return True
