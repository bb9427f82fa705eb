"""The placement of labels so that they do not overlap: pure geometry, in any unit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product


@dataclass(frozen=True)
class Box:
    """An axis-parallel rectangle, y upwards."""

    left: float
    bottom: float
    right: float
    top: float

    def overlap(self, other: Box) -> float:
        """Return the area that both cover."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.top, other.top) - max(self.bottom, other.bottom)
        return max(width, 0.0) * max(height, 0.0)

    def outside(self, bounds: Box) -> float:
        """Return how far the box extends beyond `bounds`, summed over the four sides."""
        return (
            max(bounds.left - self.left, 0.0)
            + max(bounds.bottom - self.bottom, 0.0)
            + max(self.right - bounds.right, 0.0)
            + max(self.top - bounds.top, 0.0)
        )


def spread_out(wanted: Sequence[float], sizes: Sequence[float], low: float, high: float) -> list[float]:
    """Return centres as near to `wanted` as possible such that intervals of `sizes` do not overlap in [low, high].

    The order is kept (ties: the first stays lower). Least squares by pooling adjacent violators: overlapping neighbours
    move as one block around their common mean. If they do not fit together, they are stacked from `low` upwards.
    """
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    before = 0.0
    blocks: list[tuple[float, int]] = []
    starts: list[float] = []
    for i in order:
        # A position minus the sizes stacked below it turns "no overlap" into "not decreasing".
        starts.append(before)
        blocks.append((wanted[i] - sizes[i] / 2 - before, 1))
        before += sizes[i]
        while len(blocks) > 1 and blocks[-2][0] >= blocks[-1][0]:
            (value, count), (value_below, count_below) = blocks.pop(), blocks.pop()
            total = count + count_below
            blocks.append(((value * count + value_below * count_below) / total, total))
    shifts = [max(low, min(value, high - before)) for value, count in blocks for _ in range(count)]
    centres = [0.0] * len(wanted)
    for i, shift, start in zip(order, shifts, starts, strict=True):
        centres[i] = shift + start + sizes[i] / 2
    return centres


def place_labels(
    anchors: Sequence[tuple[float, float]],
    sizes: Sequence[tuple[float, float]],
    obstacles: Sequence[Box],
    bounds: Box,
    gap: float,
) -> list[Box]:
    """Return a box for each label of `sizes` (width, height) near its anchor, clear of obstacles and other labels.

    Greedy in the given order: the nearest free place of a fixed set around the anchor, or, if there is none, the one
    that covers least. A label may be as far away as needed; the caller draws a leader line to it.
    """
    taken = list(obstacles)
    placed = []
    for anchor, size in zip(anchors, sizes, strict=True):
        best, least = Box(0, 0, 0, 0), math.inf
        for steps, direction in _places():
            box = _candidate(anchor, size, direction, gap * steps)
            cost = _cost(box, taken, bounds)
            if cost < least:
                best, least = box, cost
            if least == 0:
                break
        placed.append(best)
        taken.append(best)
    return placed


def _places() -> list[tuple[float, tuple[int, int]]]:
    directions = [(1, 0), (1, 1), (1, -1), (0, 1), (0, -1), (-1, 1), (-1, -1), (-1, 0)]
    return list(product((1.0, 2.0, 3.5, 5.0, 7.0, 9.0, 12.0), directions))


def _candidate(anchor: tuple[float, float], size: tuple[float, float], direction: tuple[int, int], gap: float) -> Box:
    (x, y), (width, height), (right, up) = anchor, size, direction
    centre_x = x + right * (gap + width / 2)
    centre_y = y + up * (gap + height / 2)
    return Box(centre_x - width / 2, centre_y - height / 2, centre_x + width / 2, centre_y + height / 2)


def _cost(box: Box, taken: Sequence[Box], bounds: Box) -> float:
    # Rounded so that rounding errors decide nothing: candidates of equal cost keep their order.
    return round(sum(box.overlap(other) for other in taken) + 1e3 * box.outside(bounds), 6)
