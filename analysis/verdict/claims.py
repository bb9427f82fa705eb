"""The differences that a verdict may claim: all that it considers are one family, corrected for their number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from analysis.statistics.stats import CONFIDENCE, holm
from contract.summary import CostDifference, LatencyDifference, Point
from contract.transports import TransportStyle

COSTS = ("server_cpu_us_per_event", "bytes_per_event")
"""Differences of all polling points, among which cheaper ones are sought."""
LEAST_BLOCKS = 3
"""With two blocks, a 95 % interval is 12.7 standard errors to each side."""
_Difference = TypeVar("_Difference", LatencyDifference, CostDifference)


def correct_claims(points: Sequence[Point], styles: Sequence[TransportStyle]) -> list[Point]:
    """Return the points, with an `adjusted_p_value` (Holm), and among how many, for each possible claim."""
    polling = {style.name for style in styles if style.polling}
    families = [_p_values(point, polling) for point in points]
    p_values = [p_value for family in families for p_value in family.values()]
    adjusted = iter(holm(p_values))
    return [
        _with_adjusted(point, dict(zip(family, adjusted, strict=False)), len(p_values))
        for point, family in zip(points, families, strict=True)
    ]


def is_shown(difference: LatencyDifference | CostDifference) -> bool:
    """Return whether a difference is shown, given all that the verdict considers; never with one trial."""
    return difference.adjusted_p_value is not None and difference.adjusted_p_value < 1 - CONFIDENCE


def _p_values(point: Point, polling: set[str]) -> dict[str, float]:
    """Return the p value of each difference that the verdict may claim: latencies of base points, costs of polls."""
    against = point.against_reference
    if against is None:
        return {}
    considered: dict[str, LatencyDifference | CostDifference | None] = {}
    if point.base:
        considered |= against.latency_differences_ms
    if point.transport in polling:
        considered |= {name: against.costs[name] for name in COSTS}
    found = {name: difference.p_value for name, difference in considered.items() if difference is not None}
    return {name: p_value for name, p_value in found.items() if p_value is not None}


def _with_adjusted(point: Point, adjusted: Mapping[str, float], among: int) -> Point:
    if point.against_reference is None:
        return point

    def corrected(name: str, found: _Difference | None) -> _Difference | None:
        if found is None or name not in adjusted:
            return found
        return replace(found, adjusted_p_value=adjusted[name], adjusted_among=among)

    against = point.against_reference
    return replace(
        point,
        against_reference=replace(
            against,
            p50_difference_ms=corrected("p50", against.p50_difference_ms),
            p95_difference_ms=corrected("p95", against.p95_difference_ms),
            mean_difference_ms=corrected("mean", against.mean_difference_ms),
            costs={name: corrected(name, found) for name, found in against.costs.items()},
        ),
    )
