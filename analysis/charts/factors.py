"""A chart of the effect of each option on latency, CPU time and bytes.

It has one row per transport and option, with ratios to the base point.
"""

from __future__ import annotations

from itertools import groupby

from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter

from analysis.charts.canvas import Chart, Margins, drawing, framed, nice_log_ticks
from analysis.charts.style import LIGHT, POINTS_PER_IN, text_size
from analysis.charts.transport_marks import label_colour, plot_style
from analysis.formatting import figure as digits
from analysis.summary.factor_effects import MEASURES, Effect, Measure, effects
from analysis.summary.results import Results

_ROW_IN = 0.24
_NAME_POINTS = 8
_LEAST_REACH = 1.6
"""The axis reaches at least this factor, so that noise does not look like an effect."""
_OUTERMOST_RATIO = 0.3
"""The share of half an axis that marks may use, so that their figures fit beside them."""


def factors_chart(results: Results) -> Chart | None:
    """Return three panels of ratios, grouped by option; None if the run varies no option."""
    found = effects(results)
    if not found:
        return None
    title = "How much each choice moves the answer"
    names = [f"{effect.choice}: {effect.transport.label}" for effect in found]
    left_in = (max(text_size(name, _NAME_POINTS)[0] for name in names) + 16) / POINTS_PER_IN
    margins = Margins(left=left_in, right=0.2, bottom=0.5, top=0.35, between_columns=0.15)
    with drawing():
        figure, grid = framed(
            title,
            "Each point against the same transport's base point, which differs from it in this choice alone; "
            f"log scales; base: {results.conditions()}.",
            _ROW_IN * len(found) + 0.1,
            margins,
            columns=len(MEASURES),
        )
        for axes, measure in zip(grid[0], MEASURES, strict=True):
            _panel(axes, found, measure)
        first = grid[0][0]
        first.set_yticks(range(len(found)), names, fontsize=_NAME_POINTS)
        for tick, effect in zip(first.get_yticklabels(), found, strict=True):
            tick.set_color(label_colour(effect.transport))
    return Chart("factors", title, _caption(found), figure)


def _panel(axes: Axes, found: list[Effect], measure: Measure) -> None:
    ratios = [effect.ratio(measure) for effect in found]
    known = [ratio for ratio in ratios if ratio]
    reach = max([_LEAST_REACH, *(max(ratio, 1 / ratio) for ratio in known)]) ** (1 / _OUTERMOST_RATIO)
    axes.set_title(f"{measure.name} × base", size=8.5, color=LIGHT.ink, loc="left")
    axes.set_xscale("log")
    axes.set_xlim(1 / reach, reach)
    axes.set_ylim(len(found) - 0.5, -0.5)
    axes.set_yticks([])
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_major_locator(FixedLocator(nice_log_ticks(1 / reach, reach, 5)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"×{value:g}"))
    axes.xaxis.set_minor_locator(FixedLocator([]))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.grid(visible=False, axis="y")
    axes.axvline(1, color=LIGHT.rule, linewidth=1.0, zorder=1)
    for at in _group_edges(found):
        axes.axhline(at, color=LIGHT.grid, linewidth=0.8, zorder=1)
    for at, (effect, ratio) in enumerate(zip(found, ratios, strict=True)):
        if not ratio:
            _write(axes, 1.0, at, "not measured", 1)
            continue
        axes.plot([1, ratio], [at, at], color=effect.transport.colour.lower(), linewidth=1.2, zorder=3)
        axes.plot([ratio], [at], **plot_style(effect.transport, line=False))
        _write(axes, ratio, at, f"×{digits(ratio)}", 1 if ratio >= 1 else -1)


def _write(axes: Axes, x: float, at: float, text: str, side: int) -> None:
    axes.annotate(
        text,
        (x, at),
        xytext=(7 * side, 0),
        textcoords="offset points",
        va="center",
        size=7.5,
        color=LIGHT.ink,
        ha="left" if side > 0 else "right",
    )


def _group_edges(found: list[Effect]) -> list[float]:
    """Return the positions between the rows of two options."""
    sizes = [len(list(group)) for _, group in groupby(found, key=lambda effect: effect.choice)]
    return [sum(sizes[: i + 1]) - 0.5 for i in range(len(sizes) - 1)]


def _caption(found: list[Effect]) -> str:
    sentences = []
    for choice, group in groupby(found, key=lambda effect: effect.choice):
        parts = []
        for effect in group:
            moved = [(measure.name, effect.ratio(measure)) for measure in MEASURES]
            parts.append(
                f"{effect.transport.label} " + ", ".join(f"{name} ×{digits(ratio)}" for name, ratio in moved if ratio)
            )
        sentences.append(f"{choice}: {'; '.join(parts)}")
    return ". ".join(sentences) + "."
