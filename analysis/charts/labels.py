"""Direct labels on drawn data, at the ends of lines and beside points, placed so that they do not overlap.

The placement is pure geometry, in any unit; labels need the final limits of the axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, product

from matplotlib.axes import Axes
from matplotlib.text import Text

from analysis.charts.style import LIGHT, LINE_SPACING, POINTS_PER_IN, text_size


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


_MARK_RADIUS_POINTS = 5.0
_GAP_POINTS = 6.0
BACKGROUND_BOX = {"facecolor": LIGHT.background, "edgecolor": "none", "pad": 1.5}
"""The background of all text within the axes: guides, grid and hatching end beside it."""
_LEADER = {"arrowstyle": "-", "color": LIGHT.rule, "linewidth": 0.6, "shrinkA": 1, "shrinkB": 4}


@dataclass(frozen=True)
class Label:
    """The label of a point in data coordinates."""

    x: float
    y: float
    text: str
    colour: str
    size: float = 8.0
    bold: bool = False


def label_ends(axes: Axes, ends: Sequence[Label]) -> None:
    """Label lines at their right ends, in one column beside the axes, moved apart where they would overlap."""
    if not ends:
        return
    frame = extent_in_points(axes, axes)
    at = [_in_points(axes, label) for label in ends]
    line_heights = [label.size * LINE_SPACING for label in ends]
    centres = spread_out([y for _, y in at], line_heights, frame.bottom, frame.top + 2 * _GAP_POINTS)
    for label, (x, y), centre in zip(ends, at, centres, strict=True):
        _annotate(axes, label, (frame.right + 2 * _GAP_POINTS - x, centre - y), align="left", leader=True)


def label_points(
    axes: Axes,
    labels: Sequence[Label],
    marks: Sequence[tuple[float, float]],
    lines: Sequence[Sequence[tuple[float, float]]],
    texts: Sequence[Text] = (),
) -> None:
    """Label points beside them, bold ones first, clear of the `marks`, `lines` (through these points) and `texts`."""
    obstacles = [extent_in_points(axes, text) for text in texts]
    obstacles += [_around(*_data_in_points(axes, x, y), _MARK_RADIUS_POINTS) for x, y in marks]
    for line in lines:
        spots = [_data_in_points(axes, x, y) for x, y in line]
        obstacles += [box for one, two in pairwise(spots) for box in _along(one, two)]
    ordered = sorted(labels, key=lambda label: not label.bold)
    anchors = [_in_points(axes, label) for label in ordered]
    sizes = [text_size(label.text, label.size, bold=label.bold) for label in ordered]
    frame = extent_in_points(axes, axes)
    boxes = place_labels(
        anchors, sizes, obstacles, Box(frame.left + 3, frame.bottom + 3, frame.right, frame.top), _GAP_POINTS
    )
    for label, (x, y), (width, height), box in zip(ordered, anchors, sizes, boxes, strict=True):
        centre = ((box.left + box.right) / 2 - x, (box.bottom + box.top) / 2 - y)
        beside = abs(centre[0]) <= width / 2 + 2.1 * _GAP_POINTS and abs(centre[1]) <= height / 2 + 2.1 * _GAP_POINTS
        _annotate(axes, label, centre, align="center", leader=not beside)


def _annotate(axes: Axes, label: Label, offset: tuple[float, float], *, align: str, leader: bool) -> None:
    axes.annotate(
        label.text,
        xy=(label.x, label.y),
        xytext=offset,
        textcoords="offset points",
        ha=align,
        va="center",
        size=label.size,
        weight="bold" if label.bold else "normal",
        color=label.colour,
        annotation_clip=False,
        zorder=6,
        arrowprops=_LEADER if leader else None,
        bbox=BACKGROUND_BOX,
    )


def extent_in_points(axes: Axes, drawn: Axes | Text) -> Box:
    """Return the rectangle of the axes, or of a text in them, on the page in points."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    box = drawn.get_window_extent()
    scale = POINTS_PER_IN / figure.dpi
    return Box(box.x0 * scale, box.y0 * scale, box.x1 * scale, box.y1 * scale)


def _in_points(axes: Axes, label: Label) -> tuple[float, float]:
    return _data_in_points(axes, label.x, label.y)


def _data_in_points(axes: Axes, x: float, y: float) -> tuple[float, float]:
    figure = axes.get_figure(root=True)
    assert figure is not None
    pixels = axes.transData.transform((x, y))
    return float(pixels[0]) * POINTS_PER_IN / figure.dpi, float(pixels[1]) * POINTS_PER_IN / figure.dpi


def _around(x: float, y: float, radius: float) -> Box:
    return Box(x - radius, y - radius, x + radius, y + radius)


def _along(one: tuple[float, float], two: tuple[float, float]) -> list[Box]:
    length = max(abs(two[0] - one[0]), abs(two[1] - one[1]))
    steps = max(round(length / 3), 1)
    return [
        _around(one[0] + (two[0] - one[0]) * i / steps, one[1] + (two[1] - one[1]) * i / steps, 1.5)
        for i in range(steps + 1)
    ]
