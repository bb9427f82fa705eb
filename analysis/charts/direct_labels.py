"""Direct labels on drawn data: at the ends of lines, and beside points. They need the final limits of the axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.text import Text

from analysis.charts.label_placement import Box, place_labels, spread_out
from analysis.charts.style import LIGHT, POINTS_PER_IN
from analysis.charts.text_size import LINE_SPACING, text_size

_MARK_RADIUS_POINTS = 5.0
_GAP_POINTS = 6.0
PAPER_BOX = {"facecolor": LIGHT.paper, "edgecolor": "none", "pad": 1.5}
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
        bbox=PAPER_BOX,
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
