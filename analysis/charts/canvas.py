"""The common parts of all charts: margins, heading, axes, and writing the files.

It uses object-oriented Matplotlib on the Agg canvas, without pyplot. Import this module late, since it loads
Matplotlib.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from matplotlib import rc_context, rcParams, rcParamsDefault
from matplotlib.axes import Axes
from matplotlib.axis import Axis, YAxis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullFormatter

from analysis.charts.style import (
    LIGHT,
    MATPLOTLIB_SETTINGS,
    NIELSEN_LIMITS_MS,
    POINTS_PER_IN,
    PRINT_DPI,
    WIDTH_IN,
    recolour,
    text_size,
)
from analysis.formatting import milliseconds
from contract.records import write_text

TITLE_POINTS = 11
SUBTITLE_POINTS = 8
_LEFT_EDGE_IN = 0.12
_LEAST_MS = 0.001
_LOG_PADDING = 1.35
_LEAST_LOG_REACH = 3.0
"""A logarithmic axis spans at least this factor to either side, so that noise does not look like a trend."""


@dataclass(frozen=True)
class Chart:
    """A drawn chart and the text that goes with it."""

    name: str
    """The file name without its extension."""
    title: str
    caption: str
    """One or two sentences computed from the data, which are also the text alternative of the drawing."""
    figure: Figure = field(repr=False)

    def svg(self) -> str:
        """Return the drawing in light colours; the text is the same each time."""
        buffer = io.StringIO()
        metadata = {"Date": None, "Creator": "push-vs-poll", "Title": self.title, "Description": self.caption}
        with drawing():
            self.figure.savefig(buffer, format="svg", metadata=metadata)
        return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines()) + "\n"

    def write(self, folder: Path, dark_counterparts: dict[str, str]) -> str:
        """Write `name.svg`, `name-dark.svg` and `name.png` to `folder`, and return the light SVG."""
        svg = self.svg()
        write_text(folder / f"{self.name}.svg", svg)
        write_text(folder / f"{self.name}-dark.svg", recolour(svg, dark_counterparts))
        with drawing():
            self.figure.savefig(
                folder / f"{self.name}.png",
                dpi=PRINT_DPI,
                metadata={"Software": None},
                pil_kwargs={"compress_level": 1},
            )
        return svg


@contextmanager
def drawing() -> Iterator[None]:
    """Apply Matplotlib's default style and ours while a figure is drawn or written, without the user's settings."""
    with rc_context():
        rcParams.update({name: value for name, value in rcParamsDefault.items() if name != "backend"})
        rcParams.update(MATPLOTLIB_SETTINGS)
        yield


@dataclass(frozen=True)
class Margins:
    """The space around the axes in inches, below the heading."""

    left: float = 0.75
    right: float = 0.3
    bottom: float = 0.55
    top: float = 0.2
    between_columns: float = 0.5
    between_rows: float = 0.35


def framed(
    title: str,
    subtitle: str,
    plot_height_in: float,
    margins: Margins,
    *,
    rows: int = 1,
    columns: int = 1,
    share: bool = False,
) -> tuple[Figure, list[list[Axes]]]:
    """Return a figure with its heading and a grid of axes; `plot_height_in` is the height of all rows together."""
    title_lines = wrapped(title, TITLE_POINTS, bold=True)
    subtitle_lines = wrapped(subtitle, SUBTITLE_POINTS)
    heading_in = 0.12 + 0.19 * len(title_lines) + 0.15 * len(subtitle_lines)
    height_in = heading_in + margins.top + plot_height_in + margins.bottom
    figure = Figure(figsize=(WIDTH_IN, height_in))
    FigureCanvasAgg(figure)
    left = _LEFT_EDGE_IN / WIDTH_IN
    figure.text(left, 1 - 0.1 / height_in, "\n".join(title_lines), size=TITLE_POINTS, weight="bold", va="top")
    below_in = 0.12 + 0.19 * len(title_lines)
    figure.text(
        left, 1 - below_in / height_in, "\n".join(subtitle_lines), size=SUBTITLE_POINTS, color=LIGHT.muted, va="top"
    )
    column_in = (WIDTH_IN - margins.left - margins.right - (columns - 1) * margins.between_columns) / columns
    row_in = (plot_height_in - (rows - 1) * margins.between_rows) / rows
    grid = figure.add_gridspec(
        rows,
        columns,
        left=margins.left / WIDTH_IN,
        right=1 - margins.right / WIDTH_IN,
        bottom=margins.bottom / height_in,
        top=1 - (heading_in + margins.top) / height_in,
        wspace=margins.between_columns / column_in,
        hspace=margins.between_rows / row_in,
    )
    axes: list[list[Axes]] = []
    for row in range(rows):
        axes.append([])
        for column in range(columns):
            first = axes[0][0] if share and (row or column) else None
            axes[row].append(figure.add_subplot(grid[row, column], sharex=first, sharey=first))
    return figure, axes


def wrapped(text: str, size: float, *, bold: bool = False) -> list[str]:
    """Return lines of `text` that fit the width of a chart."""
    room = (WIDTH_IN - 2 * _LEFT_EDGE_IN) * POINTS_PER_IN
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if text_size(longer, size, bold=bold)[0] <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def log_latency(axis: Axis, low_ms: float, high_ms: float, name: str) -> None:
    """Make the axis a logarithmic latency axis around [low_ms, high_ms], labelled so, with ticks at 1, 2, 5 times 10^k.

    Latencies of zero and less, which clocks that disagree may give, lie outside.
    """
    low_ms, high_ms = max(low_ms, _LEAST_MS), max(high_ms, _LEAST_MS)
    centre = math.sqrt(low_ms * high_ms)
    reach = max(math.sqrt(high_ms / low_ms) * _LOG_PADDING, _LEAST_LOG_REACH)
    low_ms, high_ms = centre / reach, centre * reach
    axes = axis.axes
    if isinstance(axis, YAxis):
        axes.set_yscale("log")
        axes.set_ylim(low_ms, high_ms)
    else:
        axes.set_xscale("log")
        axes.set_xlim(low_ms, high_ms)
    ticks = nice_log_ticks(low_ms, high_ms, _room_for_ticks(axis, 0.5))
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_major_formatter(FuncFormatter(lambda value, _: milliseconds(value)))
    axis.set_minor_formatter(NullFormatter())
    axis.set_minor_locator(FixedLocator([]))
    axis.set_label_text(f"{name} (log scale)")


def log_counts(axis: Axis, low: float, high: float, name: str) -> None:
    """Make the axis a logarithmic axis of whole numbers around [low, high], and label it so."""
    axes, margin = axis.axes, (high / low) ** 0.03
    axes.set_xscale("log")
    axes.set_xlim(low / margin, high * margin)
    axis.set_major_locator(FixedLocator(nice_log_ticks(low / margin, high * margin, _room_for_ticks(axis, 0.45))))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axis.set_minor_formatter(NullFormatter())
    axis.set_minor_locator(FixedLocator([]))
    axis.set_label_text(f"{name} (log scale)")


def nice_log_ticks(low: float, high: float, most: float) -> list[float]:
    """Return ticks of a logarithmic axis: 1-2-5 steps, or 1-3 or whole decades if those are more than `most`."""
    for steps in ((1, 2, 5), (1, 3), (1,)):
        ticks = [step * 10.0**power for power in range(-6, 9) for step in steps if low <= step * 10.0**power <= high]
        nearest = min(b / a for a, b in zip(steps, (*steps[1:], 10 * steps[0]), strict=True))
        if math.log(high / low) / math.log(nearest) <= most:
            break
    return ticks


def _room_for_ticks(axis: Axis, width_in: float) -> float:
    box = axis.axes.get_window_extent()
    figure = axis.axes.get_figure(root=True)
    assert figure is not None
    return (box.height / 0.24 if isinstance(axis, YAxis) else box.width / width_in) / figure.dpi


def nielsen_guides(axes: Axes, *, vertical: bool) -> None:
    """Draw guide lines at 0.1, 1 and 10 s as far as the latency axis includes them."""
    low, high = axes.get_xlim() if vertical else axes.get_ylim()
    for limit_ms in NIELSEN_LIMITS_MS:
        if low < limit_ms < high:
            line = axes.axvline if vertical else axes.axhline
            line(limit_ms, color=LIGHT.rule, linewidth=0.8, dashes=(1, 2), zorder=1)


def linear_from_zero(axis: Axis, high: float, name: str) -> None:
    """Make the axis a linear axis from zero to a little above `high`."""
    top = 1.08 * high if high > 0 else 1.0
    if isinstance(axis, YAxis):
        axis.axes.set_ylim(0, top)
    else:
        axis.axes.set_xlim(0, top)
    axis.set_major_locator(MaxNLocator(max(2, min(6, int(_room_for_ticks(axis, 0.38))))))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    axis.set_label_text(name)
