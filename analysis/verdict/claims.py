"""The differences that a verdict may claim: all that it considers are one family, corrected for their number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from analysis.statistics.stats import CONFIDENCE, holm
from contract.records import JsonObject
from contract.transports import TransportStyle

LATENCIES = ("p50_difference_ms", "p95_difference_ms", "mean_difference_ms")
"""Differences of base points."""
COSTS = ("server_cpu_us_per_event", "bytes_per_event")
"""Differences of all polling points, among which cheaper ones are sought."""
LEAST_BLOCKS = 3
"""With two blocks, a 95 % interval is 12.7 standard errors to each side."""


def correct_claims(points: Sequence[JsonObject], styles: Sequence[TransportStyle]) -> None:
    """Add an `adjusted_p_value` (Holm), and among how many, to each difference that the verdict may claim."""
    polling = {style.name for style in styles if style.polling}
    family = [found for point in points for found in _looked_at(point, polling) if found["p_value"] is not None]
    for found, adjusted in zip(family, holm([found["p_value"] for found in family]), strict=True):
        found |= {"adjusted_p_value": adjusted, "adjusted_among": len(family)}


def is_shown(difference: JsonObject) -> bool:
    """Return whether a difference is shown, given all that the verdict considers; never with one trial."""
    return bool(difference.get("adjusted_p_value", 1.0) < 1 - CONFIDENCE)


def _looked_at(point: JsonObject, polling: set[str]) -> Iterator[JsonObject]:
    against = point["against_reference"]
    if against is None:
        return
    if point["base"]:
        yield from (against[name] for name in LATENCIES if against[name] is not None)
    if point["transport"] in polling:
        yield from (against["costs"][name] for name in COSTS if against["costs"][name] is not None)
