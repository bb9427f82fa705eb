"""Where polling costs less than the reference at equal parameters: savings that were shown, or are still possible."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from analysis.formatting import figure, interval, listed, percent
from analysis.summary.pairing import COSTS
from analysis.summary.results import present
from analysis.verdict.claims import LEAST_BLOCKS, is_shown
from contract.summary import CostDifference, Interval, Point
from terminal.wording import plural

WORTH_SAYING_RATIO = 0.05
"""A smaller saving is not mentioned, even if it is certain."""
_CLAIMED = (
    ("server_cpu_us_per_event", "server CPU per event", "µs"),
    ("bytes_per_event", "bytes per event", "B"),
)


@dataclass(frozen=True)
class _Comparison:
    point: Point
    ours: float
    difference: CostDifference

    @property
    def saving_ratio(self) -> float:
        return -self.difference.value / self.difference.reference

    @property
    def bounds(self) -> Interval:
        """The interval of the difference."""
        return present(self.difference.ci95)

    @property
    def largest_saving_ratio(self) -> float:
        """The largest saving within its interval."""
        return -self.bounds[0] / self.difference.reference

    @property
    def shows_saving(self) -> bool:
        return is_shown(self.difference) and self.saving_ratio >= WORTH_SAYING_RATIO


def cheaper(
    points: Sequence[Point], polling: set[str], what: str, reference: str, name: Callable[[Point], str]
) -> Iterator[str]:
    """Yield clauses on the costs in which the polling transports are cheaper at some point, and those in which not."""
    by_cost = {cost: _comparisons(points, polling, key) for key, cost, _ in _CLAIMED}
    units = {cost: unit for _, cost, unit in _CLAIMED}
    known = {cost: found for cost, found in by_cost.items() if found}
    if not known:
        return
    tested = {cost: [c for c in found if c.difference.ci95 is not None] for cost, found in known.items()}
    shown = {cost: [c for c in found if c.shows_saving] for cost, found in tested.items()}
    saved = [_saving(cost, units[cost], found, len(tested[cost]), name) for cost, found in shown.items() if found]
    if saved:
        yield f"{what} is cheaper than {reference} in {listed(saved)}"
    for cost, found in tested.items():
        if not found:
            yield f"whether {what} is cheaper than {reference} in {cost} cannot be told from so few trials and events"
        elif not shown[cost]:
            yield _no_saving(found, f"{what} is cheaper than {reference} in {cost}", name)


def _comparisons(points: Sequence[Point], polling: set[str], key: str) -> list[_Comparison]:
    compared = [
        (point, COSTS[key].value(point), point.against_reference.costs.get(key))
        for point in points
        if point.transport in polling and point.against_reference is not None
    ]
    return [
        _Comparison(point, ours, difference)
        for point, ours, difference in compared
        if ours is not None and difference is not None and difference.reference
    ]


def _saving(cost: str, unit: str, shown: Sequence[_Comparison], tested: int, name: Callable[[Point], str]) -> str:
    best = max(shown, key=lambda comparison: comparison.saving_ratio)
    low, high = best.bounds
    return (
        f"{cost} ({name(best.point)}: {figure(best.ours)} against {figure(best.difference.reference)} {unit}, "
        f"{figure(-best.difference.value)} {interval([-high, -low])} less; so at {len(shown)} of {tested} points)"
    )


def _no_saving(tested: Sequence[_Comparison], cheaper: str, name: Callable[[Point], str]) -> str:
    """Return that no saving was shown, and the largest saving within the intervals.

    In 97.5 % of all cases, the point with the largest true saving saves no more than the end of its own interval. So
    the largest end of all intervals needs no correction for their number.
    """
    most = max(tested, key=lambda comparison: comparison.largest_saving_ratio)
    if most.largest_saving_ratio >= 1 and most.difference.blocks < LEAST_BLOCKS:
        return f"{plural(most.difference.blocks, 'block')} are too few to tell whether {cheaper}"
    if most.largest_saving_ratio >= 1:
        return f"whether {cheaper} is not known: by these data any saving is possible"
    if most.largest_saving_ratio <= 0:
        return f"there is no point at which {cheaper}: it saves nothing"
    largest = f"the largest saving that fits the data is {percent(most.largest_saving_ratio)} ({name(most.point)})"
    return f"we found no point at which {cheaper}: {largest}"
