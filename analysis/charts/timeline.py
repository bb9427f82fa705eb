"""A chart of latency over the course of a trial, with one dot per delivery."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from analysis.charts.canvas import Chart, Margins, drawing, framed, log_latency, nielsen_guides
from analysis.charts.raw_records import BaseTrials
from analysis.charts.style import LIGHT
from analysis.charts.transport_marks import label_colour
from analysis.formatting import count
from analysis.summary.results import Results
from analysis.trial.latency import Floats

_MANY_DOTS = 800
_PANEL_IN = 0.85
_LEAST_PLOT_IN = 1.7


def timeline_chart(results: Results, groups: list[BaseTrials]) -> Chart | None:
    """Return each delivery's latency at the time it was due, one panel per transport.

    Each shows the first trial at the base point.
    """
    dots = [(group, *_dots(group)) for group in groups]
    dots = [entry for entry in dots if len(entry[1])]
    if not dots:
        return None
    what = "message" if results.round_trip else "delivery"
    title = f"{results.latency_name.capitalize()} of every {what} over the course of a trial"
    drawn, recorded = sum(len(x) for _, x, _, _ in dots), sum(total for *_, total in dots)
    thinning = (
        "every delivery is a dot"
        if drawn == recorded
        else f"{count(drawn)} of {count(recorded)} deliveries are drawn, every k-th in order of arrival"
    )
    with drawing():
        figure, grid = framed(
            title,
            f"First trial of each transport at the base point; {thinning}; {results.conditions()}.",
            max(_PANEL_IN * len(dots) + 0.25 * (len(dots) - 1), _LEAST_PLOT_IN),
            Margins(left=0.85, right=0.3, between_rows=0.25),
            rows=len(dots),
            share=True,
        )
        shown = np.concatenate([y for _, _, y, _ in dots])
        end_s = max(float(x.max()) for _, x, _, _ in dots)
        for row, (group, xs, ys, _) in zip(grid, dots, strict=True):
            _panel(row[0], group, xs, ys)
        first, last = grid[0][0], grid[-1][0]
        log_latency(first.yaxis, max(float(shown.min()), 1e-3), float(shown.max()), results.latency_name)
        for row in grid:
            row[0].set_ylabel("")
            row[0].tick_params(labelbottom=row[0] is last)
            row[0].set_xlim(min(float(x.min()) for _, x, _, _ in dots) - 0.01 * end_s, end_s * 1.01)
            nielsen_guides(row[0], vertical=False)
        last.set_xlabel("time at which the event was due, seconds after the stream's start")
        middle = (first.get_position().y1 + last.get_position().y0) / 2
        figure.text(0.017, middle, f"{results.latency_name} (log scale)", rotation=90, va="center", color=LIGHT.muted)
    sentences = [f"{group.transport.label} between {ys.min():.3g} and {ys.max():,.4g} ms" for group, _, ys, _ in dots]
    return Chart("timeline", title, f"{'; '.join(sentences)}. {thinning.capitalize()}.", figure)


def _dots(group: BaseTrials) -> tuple[Floats, Floats, int]:
    dots = group.first_dots
    return (dots.due_ns - group.first.info.t0_ns) / 1e9, dots.latency_ms, dots.recorded


def _panel(axes: Axes, group: BaseTrials, xs: Floats, ys: Floats) -> None:
    size = 1.7 if len(xs) > _MANY_DOTS else 2.6
    axes.plot(
        xs,
        ys,
        linestyle="none",
        marker="o",
        markersize=size,
        markeredgewidth=0,
        alpha=0.55,
        color=group.transport.colour.lower(),
        zorder=3,
    )
    axes.set_title(
        group.transport.label, size=8.5, weight="bold", color=label_colour(group.transport), loc="left", pad=3
    )
