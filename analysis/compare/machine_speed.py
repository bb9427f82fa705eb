"""How much of a difference between two runs the machine alone may cause, by the fixed work that each has timed."""

from __future__ import annotations

import math
from dataclasses import dataclass

from analysis.compare.contrast import MachineEffect
from analysis.formatting import figure
from analysis.statistics.inference import Interval
from contract.summary import Estimate, Summary


@dataclass(frozen=True)
class SpeedChange:
    """The change of the machine's speed from one run to another."""

    baseline_ms: float
    """CPU time of the fixed work in the baseline."""
    other_ms: float
    log_ratio: Interval
    """95 % interval of the logarithm of other_ms / baseline_ms."""

    def effect(self, values: tuple[float, float], computed: tuple[float, float]) -> MachineEffect:
        """Return what the machine alone may change of a figure, from its values in baseline and other run.

        `computed` are the parts of the values that are longer on a slower machine. How much longer is not known: from
        not at all, as what waits for a device, to as much as the fixed work. What they were on the other run's machine
        is estimated from either value, and the farther one counts.
        """
        ends = max(0.0, self.log_ratio[1]), min(0.0, self.log_ratio[0])
        slower, faster = (
            [
                (computed[0] * math.expm1(end), _logarithm_of_change(values[0], computed[0], end)),
                (-computed[1] * math.expm1(-end), -_logarithm_of_change(values[1], computed[1], -end)),
            ]
            for end in ends
        )
        return MachineEffect(
            (min(change for change, _ in faster), max(change for change, _ in slower)),
            (min(logarithm for _, logarithm in faster), max(logarithm for _, logarithm in slower)),
        )

    @property
    def sentence(self) -> str:
        """What was timed in both runs, in words."""
        percent = 100 * (self.other_ms / self.baseline_ms - 1)
        return (
            f"The machine's speed: a fixed piece of work took {figure(self.baseline_ms)} ms of CPU time in A and "
            f"{figure(self.other_ms)} ms in B ({percent:+.1f} %). Intervals of times include what that may explain."
        ).replace("(-", "(−")


def speed_change(baseline: Summary, other: Summary) -> SpeedChange | None:
    """Return the change from one run to another; None unless both have timed the fixed work in two trials or more."""
    ours, theirs = _logarithm(baseline.fixed_work_ms), _logarithm(other.fixed_work_ms)
    if ours is None or theirs is None:
        return None
    apart, half = theirs[0] - ours[0], math.hypot(ours[1], theirs[1])
    return SpeedChange(math.exp(ours[0]), math.exp(theirs[0]), (apart - half, apart + half))


def _logarithm_of_change(value: float, computed: float, end: float) -> float:
    """Return by how much the logarithm of a value changes if its computed part takes exp(end) times as long."""
    return math.log1p(computed / value * math.expm1(end)) if value > 0 else 0.0


def _logarithm(of: Estimate | None) -> tuple[float, float] | None:
    """Return the logarithm of a positive figure and half the width of its interval."""
    if of is None or of.value is None or of.ci95 is None or of.value <= 0:
        return None
    return math.log(of.value), (of.ci95[1] - of.ci95[0]) / (2 * of.value)
