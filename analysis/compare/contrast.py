"""One figure of one point in two runs: its ratio with an interval, and the outcome of the comparison."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from analysis.statistics.inference import (
    CONFIDENCE,
    ONLY_THE_TRIALS,
    Difference,
    Interval,
    Spread,
    independent_difference,
    paired_difference,
)

MARGIN_RATIO = 0.03
"""Two figures are the same if the interval of their ratio is within 1 ± this, or within the noise floor if larger."""
_LARGEST_LOGARITHM = 700.0


class Outcome(StrEnum):
    """The outcome of a comparison of two figures."""

    WORSE = "worse"
    BETTER = "better"
    SAME = "the same"
    NOT_SHOWN = "no difference shown"
    UNKNOWN = "not known"
    """Both runs have the figure, but one has no interval, as with a single trial or if the summary withholds it."""


@dataclass(frozen=True)
class Side:
    """A figure of a point in one run."""

    value: float
    by_block: Mapping[int, float]
    """The figure of each trial by block."""
    pilot_blocks: int | None = None
    """The number of first blocks, from which the spread is computed; None: all."""
    spread: Spread = ONLY_THE_TRIALS
    """The least spread, and the factor of the intervals."""

    def logarithms(self) -> Side:
        """Return the figure on a logarithmic scale, on which ratios are differences."""
        return Side(
            math.log(self.value),
            {block: math.log(value) for block, value in self.by_block.items()},
            self.pilot_blocks,
            replace(self.spread, least=self.spread.least / self.value),
        )

    @property
    def positive(self) -> bool:
        """Whether all its values are positive, so that they have logarithms."""
        return self.value > 0 and all(value > 0 for value in self.by_block.values())


@dataclass(frozen=True)
class MachineEffect:
    """The range that contains 0 and whatever a change of the machine's speed alone may cause between two runs."""

    difference: Interval = (0.0, 0.0)
    """Of value − baseline."""
    log_ratio: Interval = (0.0, 0.0)
    """Of the logarithm of value / baseline."""


NO_EFFECT = MachineEffect()
"""Of a machine that is the same, as it measured both in the same blocks."""


@dataclass(frozen=True)
class Contrast:
    """The difference of a figure from the baseline's; less is always better."""

    baseline: float
    value: float
    difference: Difference
    """value − baseline."""
    log_ratio: Difference | None
    """Logarithm of value / baseline; None if a trial of either run has zero."""
    margin_ratio: float
    """Figures whose ratio is within 1 ± this are the same."""
    paired: bool
    """Whether both runs share their streams, so that trials were paired."""
    machine: MachineEffect = NO_EFFECT
    """What the machine alone may have caused; the intervals of `difference` and `log_ratio` include it."""
    adjusted_p_value: float | None = None
    """The p value of no difference, corrected for all points of the figure; None before the correction, and if there is
    no p value."""

    @property
    def ratio(self) -> float | None:
        """value / baseline."""
        return None if self.log_ratio is None else _ratio_of(self.log_ratio.value)

    @property
    def ratio_ci95(self) -> Interval | None:
        """The 95 % interval of the ratio."""
        if self.log_ratio is None or self.log_ratio.ci95 is None:
            return None
        return _ratio_of(self.log_ratio.ci95[0]), _ratio_of(self.log_ratio.ci95[1])

    @property
    def same_speed_ratio_ci95(self) -> Interval | None:
        """The 95 % interval of the ratio if the machine was as fast in both runs."""
        if self.log_ratio is None or (bounds := _narrowed(self.log_ratio, self.machine.log_ratio)) is None:
            return None
        return _ratio_of(bounds[0]), _ratio_of(bounds[1])

    @property
    def same_speed_difference_ci95(self) -> Interval | None:
        """The 95 % interval of the difference if the machine was as fast in both runs."""
        return _narrowed(self.difference, self.machine.difference)

    @property
    def p_value(self) -> float | None:
        """The two-sided p value of no difference but the machine's, for this figure alone."""
        return self._decisive.p_value(self._machine_alone)

    @property
    def outcome(self) -> Outcome:
        """The outcome.

        `the same` is shown by equivalence: the whole 95 % interval is within the margin, that is, each of two one-sided
        tests at 2.5 % rejects that the figures are farther apart (D. J. Schuirmann, Journal of Pharmacokinetics and
        Biopharmaceutics 15, 1987). It has precedence: a difference that is too small to matter is none, however certain
        it is.
        """
        bounds = self._decisive.ci95
        if bounds is None:
            return Outcome.UNKNOWN
        if max(abs(bound) for bound in bounds) <= self._margin:
            return Outcome.SAME
        p_value = self.p_value if self.adjusted_p_value is None else self.adjusted_p_value
        if p_value is None or p_value >= 1 - CONFIDENCE:
            return Outcome.NOT_SHOWN
        return Outcome.WORSE if self._decisive.value > 0 else Outcome.BETTER

    @property
    def trials_needed(self) -> int | None:
        """The number of trials of each run that would decide it if the estimate is right.

        None if it is decided, or if no number would: the machine alone may have caused a difference of that size.

        They would show either the difference or that it is within the margin, whichever takes fewer (Stein 1945: the
        spread is that of the present trials).
        """
        if self.outcome is not Outcome.NOT_SHOWN or self._decisive.ci95 is None or self.may_be_the_machine:
            return None
        apart = abs(self._decisive.value)
        wanted = max(apart, self._margin - apart)
        half = (self._decisive.ci95[1] - self._decisive.ci95[0]) / 2
        return max(self._decisive.pairs + 1, math.ceil(self._decisive.pairs * (half / wanted) ** 2))

    @property
    def may_be_the_machine(self) -> bool:
        """Whether it is not decided, but would be, either way, if the machine were as fast in both runs."""
        if self.outcome is not Outcome.NOT_SHOWN or self.machine == NO_EFFECT:
            return False
        range_of_machine = self.machine.difference if self.log_ratio is None else self.machine.log_ratio
        p_value, bounds = self._decisive.p_value(), _narrowed(self._decisive, range_of_machine)
        is_different = p_value is not None and p_value < 1 - CONFIDENCE
        return is_different or (bounds is not None and max(map(abs, bounds)) <= self._margin)

    @property
    def _machine_alone(self) -> float:
        """How far the machine alone may have moved the decisive difference to its side of 0."""
        lowest, highest = self.machine.difference if self.log_ratio is None else self.machine.log_ratio
        return highest if self._decisive.value > 0 else -lowest

    @property
    def _decisive(self) -> Difference:
        return self.difference if self.log_ratio is None else self.log_ratio

    @property
    def _margin(self) -> float:
        """The margin on the scale of the decisive difference."""
        if self.log_ratio is None:
            return self.margin_ratio * max(abs(self.baseline), abs(self.value))
        return math.log1p(self.margin_ratio)

    def adjusted(self, p_value: float) -> Contrast:
        """Return a copy with a p value that is corrected for the number of points."""
        return replace(self, adjusted_p_value=p_value)


def contrast(
    baseline: Side, other: Side, margin_ratio: float, *, paired: bool, machine: MachineEffect = NO_EFFECT
) -> Contrast:
    """Compare a figure of two runs: paired within blocks if they share their streams, otherwise by Welch's test.

    Runs that share their streams and agree exactly in every trial are the same run, or have a constant figure.
    Intervals are widened by the effect of the `machine`.
    """
    if paired and baseline == other:
        same = Difference(0.0, (0.0, 0.0), len(baseline.by_block), 0.0, max(1, len(baseline.by_block) - 1))
        return Contrast(baseline.value, other.value, same, same if baseline.value > 0 else None, margin_ratio, paired)
    compare = _paired if paired and len(baseline.by_block.keys() & other.by_block.keys()) > 1 else _independent
    logarithmic = baseline.positive and other.positive
    return Contrast(
        baseline.value,
        other.value,
        _widened(compare(baseline, other), machine.difference),
        _widened(compare(baseline.logarithms(), other.logarithms()), machine.log_ratio) if logarithmic else None,
        margin_ratio,
        paired=compare is _paired,
        machine=machine,
    )


def _widened(found: Difference, machine: Interval) -> Difference:
    """Return a difference whose interval also has what it is without any effect of the machine that is possible."""
    if found.ci95 is None:
        return found
    return replace(found, ci95=(found.ci95[0] - machine[1], found.ci95[1] - machine[0]))


def _narrowed(found: Difference, machine: Interval) -> Interval | None:
    """Return the interval that `_widened` has widened."""
    return None if found.ci95 is None else (found.ci95[0] + machine[1], found.ci95[1] + machine[0])


def _ratio_of(logarithm: float) -> float:
    """Return the ratio of a logarithm; infinity beyond the largest number, as for intervals of two trials far apart."""
    return math.exp(logarithm) if logarithm < _LARGEST_LOGARITHM else math.inf


def _paired(baseline: Side, other: Side) -> Difference:
    estimate = other.value - baseline.value
    spread = Spread(
        math.hypot(baseline.spread.least, other.spread.least), max(baseline.spread.factor, other.spread.factor)
    )
    found = paired_difference(other.by_block, baseline.by_block, baseline.pilot_blocks, estimate, spread)
    return Difference(estimate, None, 0) if found is None else found


def _independent(baseline: Side, other: Side) -> Difference:
    return independent_difference(
        other.by_block,
        baseline.by_block,
        other.value - baseline.value,
        (other.pilot_blocks, baseline.pilot_blocks),
        (other.spread, baseline.spread),
    )


def geometric_mean(sides: list[Side]) -> Side:
    """Return one figure of several points of a run: its geometric mean, also of each block in which all have one."""
    blocks = set.intersection(*(set(side.by_block) for side in sides))
    return Side(
        math.exp(math.fsum(math.log(side.value) for side in sides) / len(sides)),
        {b: math.exp(math.fsum(math.log(side.by_block[b]) for side in sides) / len(sides)) for b in sorted(blocks)},
        sides[0].pilot_blocks,
        Spread(0.0, max(side.spread.factor for side in sides)),
    )


def mean_effect(effects: Sequence[MachineEffect], baseline: float) -> MachineEffect:
    """Return the effect on the geometric mean of several points, which is `baseline` in the baseline run."""
    lowest, highest = (math.fsum(each.log_ratio[end] for each in effects) / len(effects) for end in (0, 1))
    return MachineEffect((baseline * math.expm1(lowest), baseline * math.expm1(highest)), (lowest, highest))
