"""The noise floor: the difference between two identical points of one transport.

The two points differ only in a parameter without effect. Their difference is noise, and a difference between two
transports that is not larger shows nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from analysis.statistics.inference import paired_difference, t_quantile
from analysis.summary.pairing import PerBlock
from analysis.summary.results import MeasuredPoint, latency_statistic
from contract.points import Identity, identity
from contract.summary import NoiseDifference, NoiseFloor, NoiseFloors, Point

STATISTICS = ("p50", "p95", "mean")


def noise_floors(points: Sequence[tuple[Point, PerBlock]], without_effect: Sequence[str]) -> NoiseFloors | None:
    """Return by transport the paired difference of its first two identical points; None if no transport has two."""
    firsts: dict[Identity, tuple[Point, PerBlock]] = {}
    found: NoiseFloors = {}
    for point, blocks in points:
        same = identity(point.transport, point.parameters, without_effect)
        first = firsts.setdefault(same, (point, blocks))
        if first[0] is not point and point.transport not in found:
            p50, p95, mean = (_difference(first, (point, blocks), name) for name in STATISTICS)
            found[point.transport] = NoiseFloor(
                parameters=dict(point.parameters.without(*without_effect)), p50_ms=p50, p95_ms=p95, mean_ms=mean
            )
    return found or None


def floor_ms(floors: NoiseFloors | None, points: Sequence[MeasuredPoint], statistic: str, blocks: int) -> float | None:
    """Return the noise floor, ms, of the noisier of these points' transports for this many blocks.

    None unless it was measured for each point at its own parameters: noise grows with latency and decreases with the
    length of a trial, so that one point's noise says nothing of another's.
    """
    known = [_floor_ms((floors or {}).get(point.transport), point, statistic, blocks) for point in points]
    widths = [width for width in known if width is not None]
    return max(widths) if len(widths) == len(points) else None


def figure_floor_ms(floors: NoiseFloors | None, figure: str, point: MeasuredPoint, blocks: int) -> float | None:
    """Return the noise floor of a figure of one point, ms; None also for figures that have no noise floor."""
    folder, _, statistic = figure.partition(".")
    return floor_ms(floors, (point,), statistic, blocks) if folder == "latency_ms" and statistic in STATISTICS else None


def _floor_ms(floor: NoiseFloor | None, point: MeasuredPoint, statistic: str, blocks: int) -> float | None:
    if floor is None or blocks < 2 or not _measured_at(floor, point.parameters):
        return None
    found = floor.differences_ms[statistic]
    if found is None or found.half_width is None:
        return None
    spread = found.half_width * math.sqrt(found.pairs) / t_quantile(found.pairs - 1)
    return float(spread * t_quantile(blocks - 1) / math.sqrt(blocks))


def _measured_at(floor: NoiseFloor, parameters: Mapping[str, Any]) -> bool:
    """Return whether a floor was measured at these parameters; floors of older runs do not record them."""
    return floor.parameters is not None and all(
        parameters.get(name) == value for name, value in floor.parameters.items() if name != "warm_up_s"
    )


def _difference(first: tuple[Point, PerBlock], second: tuple[Point, PerBlock], name: str) -> NoiseDifference | None:
    """Return the second's figure - the first's; None if one is not known."""
    values = [latency_statistic(point, name)[0] for point, _ in (first, second)]
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return None
    ours, theirs = (blocks.statistic_ms(name) for _, blocks in (first, second))
    difference = paired_difference(theirs, ours, first[1].pilot_blocks, known[1] - known[0])
    if difference is None:
        return None
    ci95 = difference.ci95
    return NoiseDifference(
        value=difference.value,
        half_width=None if ci95 is None else (ci95[1] - ci95[0]) / 2,
        largest=max(abs(theirs[block] - ours[block]) for block in ours.keys() & theirs.keys()),
        pairs=difference.pairs,
    )
