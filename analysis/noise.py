"""How far a transport differs from itself: two identical points per block, told apart by a parameter without effect.

What two measurements of the same thing differ by is noise; a difference between two transports that is no larger has
shown nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from analysis.pairing import PerBlock
from analysis.stats import paired_difference
from loadtests.records import JsonObject

STATISTICS = ("p50", "p95", "mean")


def noise_floors(points: Sequence[tuple[JsonObject, PerBlock]], without_effect: Sequence[str]) -> JsonObject | None:
    """By transport the paired difference of its first two identical points; None where no transport has two."""
    firsts: dict[tuple[str, frozenset[tuple[str, object]]], PerBlock] = {}
    found: JsonObject = {}
    for point, blocks in points:
        effective = {name: value for name, value in point["parameters"].items() if name not in without_effect}
        first = firsts.setdefault((point["transport"], frozenset(effective.items())), blocks)
        if first is not blocks and point["transport"] not in found:
            found[point["transport"]] = {f"{name}_ms": _difference(first, blocks, name) for name in STATISTICS}
    return found or None


def floor_ms(floors: JsonObject | None, transports: Sequence[str], statistic: str) -> float | None:
    """The larger half-width of these transports against themselves; None where it is not known of both."""
    known = [((floors or {}).get(transport) or {}).get(f"{statistic}_ms") for transport in transports]
    widths = [found["half_width"] for found in known if found and found["half_width"] is not None]
    return max(widths) if len(widths) == len(transports) else None


def _difference(first: PerBlock, second: PerBlock, name: str) -> JsonObject | None:
    ours, theirs = (_of_blocks(blocks, name) for blocks in (first, second))
    difference = paired_difference(theirs, ours, first.pilot_blocks)
    if difference is None:
        return None
    ci95 = difference.ci95
    return {
        "value": difference.value,
        "half_width": None if ci95 is None else (ci95[1] - ci95[0]) / 2,
        "largest": max(abs(theirs[block] - ours[block]) for block in ours.keys() & theirs.keys()),
        "pairs": difference.pairs,
    }


def _of_blocks(blocks: PerBlock, name: str) -> Mapping[int, float]:
    return {block: latency_ms[name] for block, latency_ms in blocks.latency_ms.items()}
