"""The regions of a map, tinted and hatched in the colour of the cheapest transport and labelled where there is room."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.text import Text
from matplotlib.transforms import ScaledTranslation

from analysis.charts.cheapest_transport import CheapestMap
from analysis.charts.labels import PAPER_BOX, extent_in_points
from analysis.charts.style import POINTS_PER_IN, text_colour, text_size

_HATCHES = ("///", "...", "xxx", "\\\\\\")
_FILL_ALPHA = 0.22
_NAME_POINTS = 9.5
_LONGEST_NAME_RATIO = 0.4
_GAP_POINTS = 4.0

Spot = tuple[float, float]
"""An event rate and a staleness."""


def draw_regions(axes: Axes, found: CheapestMap, spots: Sequence[Spot]) -> list[Text]:
    """Draw tinted regions, hatched for readers who see no colours, and return their names."""
    names = []
    for index, candidate in enumerate(found.candidates):
        region = (found.cheapest == index).astype(float)
        if not region.any():
            continue
        colour = candidate.transport.colour.lower()
        axes.contourf(
            found.rates_per_s,
            found.stalenesses_s,
            region,
            levels=[0.5, 1.5],
            colors=[colour],
            alpha=_FILL_ALPHA,
            zorder=1,
        )
        hatched = axes.contourf(
            found.rates_per_s,
            found.stalenesses_s,
            region,
            levels=[0.5, 1.5],
            colors=["none"],
            hatches=[_HATCHES[index % len(_HATCHES)]],
            zorder=1,
        )
        hatched.set_edgecolor(colour)
        hatched.set_linewidth(0.0)
        names.append(_name_region(axes, found, index, spots))
    return names


def _name_region(axes: Axes, found: CheapestMap, index: int, spots: Sequence[Spot]) -> Text:
    """Draw a region's name where there is most room: at the centre of the largest square without any of the spots."""
    free = (found.cheapest == index) & ~_near(found, spots)
    row, column = _centre_of_largest_square(free if free.any() else found.cheapest == index)
    candidate = found.candidates[index]
    name = axes.text(
        float(found.rates_per_s[column]),
        float(found.stalenesses_s[row]),
        "\n".join(_broken(candidate.label, axes)),
        size=_NAME_POINTS,
        weight="bold",
        color=text_colour(candidate.transport.colour.lower()),
        ha="center",
        va="center",
        zorder=5,
        bbox=PAPER_BOX,
    )
    _move_inside(axes, name)
    return name


def _move_inside(axes: Axes, name: Text) -> None:
    """Move the name of a small region at the edge inside the axes."""
    frame, box = extent_in_points(axes, axes), extent_in_points(axes, name)
    right = max(frame.left + _GAP_POINTS - box.left, 0.0) - max(box.right + _GAP_POINTS - frame.right, 0.0)
    up = max(frame.bottom + _GAP_POINTS - box.bottom, 0.0) - max(box.top + _GAP_POINTS - frame.top, 0.0)
    figure = axes.get_figure(root=True)
    assert figure is not None
    moved = ScaledTranslation(right / POINTS_PER_IN, up / POINTS_PER_IN, figure.dpi_scale_trans)
    name.set_transform(name.get_transform() + moved)


def _near(found: CheapestMap, spots: Sequence[Spot]) -> npt.NDArray[np.bool_]:
    """Return the cells that the mark of a spot, its label or a name beside it may cover."""
    near = np.zeros(found.cheapest.shape, dtype=np.bool_)
    height, width = len(found.stalenesses_s), len(found.rates_per_s)
    rows, columns = np.arange(height)[:, None], np.arange(width)[None, :]
    for rate_per_s, staleness_s in spots:
        row = np.searchsorted(found.stalenesses_s, staleness_s)
        column = np.searchsorted(found.rates_per_s, rate_per_s)
        near |= (abs(rows - row) < height // 10) & (abs(columns - column) < width // 8)
    return near


def _centre_of_largest_square(inside: npt.NDArray[np.bool_]) -> tuple[int, int]:
    """Return its row and column, by dynamic programming over the squares that end at each cell."""
    reach = np.zeros(inside.shape, dtype=np.int64)
    for row, column in np.argwhere(inside).tolist():
        least = min(reach[row - 1, column], reach[row, column - 1], reach[row - 1, column - 1]) if row and column else 0
        reach[row, column] = 1 + least
    row, column = divmod(int(np.argmax(reach)), inside.shape[1])
    half = int(reach[row, column]) // 2
    return row - half, column - half


def _broken(label: str, axes: Axes) -> list[str]:
    """Return a label with two names on two lines if one line would take too much of the panel's width."""
    frame = extent_in_points(axes, axes)
    room = _LONGEST_NAME_RATIO * (frame.right - frame.left)
    return (
        [label] if text_size(label, _NAME_POINTS, bold=True)[0] < room else label.replace(" or ", "\nor ").split("\n")
    )
