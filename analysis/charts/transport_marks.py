"""The style of a transport's points and lines, whiskers for intervals, keys, and curves of the closed form."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from analysis.charts.style import LIGHT, POINTS_PER_IN, WIDTH_IN, text_colour, text_size
from analysis.models.model import Conditions, Expectation
from analysis.models.registry import MODELS
from analysis.summary.results import Series
from contract.summary import Point
from contract.transports import TransportStyle

STATISTICS = {"mean": "mean", "p50": "median", "p95": "95th percentile", "p99": "99th percentile"}
"""The names of latency statistics in charts."""
_MARKER_POINTS = 6.5
_KEY_POINTS = 8
_KEY_ENTRY_POINTS = 30
"""The width of a key's entry beside its text: the mark and the distance to the next."""
_KEY_LEFT_IN = 0.12


def plot_style(transport: TransportStyle, *, line: bool = True, rank: int = 9) -> dict[str, Any]:
    """Return keyword arguments of Axes.plot for a transport's points, with or without a line.

    Points of the first few ranks are larger, so that both of two points at the same place can be seen.
    """
    return {
        "color": transport.colour.lower(),
        "marker": transport.marker,
        "markersize": _MARKER_POINTS + max(3.5 - 2 * rank, 0),
        "markeredgecolor": LIGHT.background,
        "markeredgewidth": 0.7,
        "linewidth": 1.6 if line else 0,
        **({"dashes": transport.dash} if line and transport.dash else {}),
        "dash_capstyle": "butt",
        "clip_on": False,
        "zorder": 4,
    }


def whiskers(
    axes: Axes,
    xs: Sequence[float],
    ys: Sequence[float],
    bounds: Sequence[Sequence[float] | None],
    colour: str,
    *,
    horizontal: bool = False,
) -> None:
    """Draw 95 % intervals as thin whiskers where there are any. The limits of the axes must be final.

    A whisker that extends beyond the axes ends at their edge, without the stroke that marks an interval's end.
    """
    low, high = axes.get_xlim() if horizontal else axes.get_ylim()
    style: dict[str, Any] = {"color": colour.lower(), "clip_on": False, "zorder": 3}
    for x, y, interval in zip(xs, ys, bounds, strict=True):
        if interval is None:
            continue
        ends = [min(max(bound, low), high) for bound in interval]
        seen = [bound for bound in interval if low <= bound <= high]
        line = (ends, [y, y]) if horizontal else ([x, x], ends)
        caps = (seen, [y] * len(seen)) if horizontal else ([x] * len(seen), seen)
        axes.plot(*line, linewidth=1.0, solid_capstyle="butt", **style)
        axes.plot(*caps, linestyle="none", marker="|" if horizontal else "_", markersize=5, **style)


def series_values(series: Series, read: Callable[[Point], float | None]) -> tuple[list[float], list[float]]:
    """Return (parameter values, values) of the points at which the value was measured."""
    known = [(point.parameters[series.parameter], read(point)) for point in series.points]
    pairs = [(x, value) for x, value in known if value is not None]
    return [x for x, _ in pairs], [value for _, value in pairs]


def key_columns(labels: Sequence[str]) -> int:
    """Return how many entries of a key fit beside each other."""
    widths = [text_size(label, _KEY_POINTS)[0] + _KEY_ENTRY_POINTS for label in labels]
    room = (WIDTH_IN - 2 * _KEY_LEFT_IN) * POINTS_PER_IN
    return len(labels) if sum(widths) <= room else max(int(room / max(widths)), 1)


def key_height_in(labels: Sequence[str]) -> float:
    """Return the height of the key in inches."""
    return 0.17 * math.ceil(len(labels) / key_columns(labels))


def draw_key(figure: Figure, handles: Sequence[tuple[Line2D | Patch, str]], y_in: float) -> None:
    """Draw a key on as few lines as it needs, its top at `y_in` inches above the bottom."""
    height_in = figure.get_size_inches()[1]
    figure.legend(
        [handle for handle, _ in handles],
        [label for _, label in handles],
        loc="upper left",
        bbox_to_anchor=(_KEY_LEFT_IN / WIDTH_IN, y_in / height_in),
        ncols=key_columns([label for _, label in handles]),
        fontsize=_KEY_POINTS,
        labelcolor=LIGHT.ink,
        handletextpad=0.5,
        columnspacing=1.4,
        borderaxespad=0,
        borderpad=0,
        handlelength=1.8,
    )


def marker_handle(transport: TransportStyle) -> tuple[Line2D, str]:
    """Return the key entry of a transport: its marker and label."""
    return Line2D([], [], **plot_style(transport, line=False)), transport.label


def label_colour(transport: TransportStyle) -> str:
    """Return the colour of a transport's name as text."""
    return text_colour(transport.colour.lower())


_STEPS = 160


def closed_form_curve(series: Series, read: Callable[[Expectation], float]) -> list[tuple[float, float]]:
    """Return (parameter, read(expectation)) from the first to the last point of a series; empty without a closed form.

    Steps are geometric if the parameter is positive, because curves bend most at its small values.
    """
    values = [point.parameters[series.parameter] for point in series.points]
    low, high = min(values), max(values)
    grid = np.geomspace(low, high, _STEPS) if low > 0 else np.linspace(low, high, _STEPS)
    closed_form, curve = MODELS[series.transport.model].closed_form, []
    for value in grid.tolist():
        parameters = series.points[0].parameters.replace(**{series.parameter: value})
        expectation = closed_form(Conditions.of_point(parameters, series.transport))
        if expectation is not None:
            curve.append((value, read(expectation)))
    return curve
