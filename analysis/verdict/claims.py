"""The differences that a verdict may claim, corrected for the number of differences that it considers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from analysis.statistics.inference import CONFIDENCE, holm
from contract.points import agrees_but_for_server
from contract.summary import AgainstReference, CostDifference, LatencyDifference, Point
from contract.transports import TransportStyle

COSTS = ("server_cpu_us_per_event", "bytes_per_event")
"""Costs of polling points that may be claimed to be lower than the reference's."""
SERVER_COSTS = ("server_cpu_us_per_event",)
"""Costs of base points, besides latencies, that are compared with those on the first of several servers."""
LEAST_BLOCKS = 3
"""With two blocks, a 95 % interval is 12.7 standard errors to each side."""
_Difference = TypeVar("_Difference", LatencyDifference, CostDifference)


def correct_claims(points: Sequence[Point], styles: Sequence[TransportStyle], base: Mapping[str, Any]) -> list[Point]:
    """Return the points with an `adjusted_p_value` (Holm), and the number of differences, for each possible claim."""
    polling = {style.name for style in styles if style.polling}
    families = [_considered(point, polling, base) for point in points]
    p_values = [p_value for both in families for family in both for p_value in family.values()]
    adjusted, among = iter(holm(p_values)), len(p_values)
    return [
        replace(
            point,
            against_reference=_with_adjusted(
                point.against_reference, dict(zip(of_reference, adjusted, strict=False)), among
            ),
            against_first_server=_with_adjusted(
                point.against_first_server, dict(zip(of_first, adjusted, strict=False)), among
            ),
        )
        for point, (of_reference, of_first) in zip(points, families, strict=True)
    ]


def is_shown(difference: LatencyDifference | CostDifference) -> bool:
    """Return whether a difference is significant after the correction; never with one trial."""
    return difference.adjusted_p_value is not None and difference.adjusted_p_value < 1 - CONFIDENCE


def _considered(point: Point, polling: set[str], base: Mapping[str, Any]) -> tuple[dict[str, float], dict[str, float]]:
    """Return the p values of the differences that the verdict may claim, from the reference and from the first server.

    From the reference these are latencies of base points and costs of polls.
    """
    costs = COSTS if point.transport in polling else ()
    at_base = agrees_but_for_server(point.parameters, base)
    return (
        _p_values(point.against_reference, latencies=point.base, costs=costs),
        _p_values(point.against_first_server if at_base else None, latencies=True, costs=SERVER_COSTS),
    )


def _p_values(against: AgainstReference | None, *, latencies: bool, costs: Sequence[str]) -> dict[str, float]:
    if against is None:
        return {}
    considered: dict[str, LatencyDifference | CostDifference | None] = {}
    if latencies:
        considered |= against.latency_differences_ms
    considered |= {name: against.costs[name] for name in costs}
    found = {name: difference.p_value for name, difference in considered.items() if difference is not None}
    return {name: p_value for name, p_value in found.items() if p_value is not None}


def _with_adjusted(
    against: AgainstReference | None, adjusted: Mapping[str, float], among: int
) -> AgainstReference | None:
    if against is None:
        return None

    def corrected(name: str, found: _Difference | None) -> _Difference | None:
        if found is None or name not in adjusted:
            return found
        return replace(found, adjusted_p_value=adjusted[name], adjusted_among=among)

    return replace(
        against,
        p50_difference_ms=corrected("p50", against.p50_difference_ms),
        p95_difference_ms=corrected("p95", against.p95_difference_ms),
        mean_difference_ms=corrected("mean", against.mean_difference_ms),
        costs={name: corrected(name, found) for name, found in against.costs.items()},
    )
