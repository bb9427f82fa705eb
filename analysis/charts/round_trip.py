"""A chart of the round trip of a small message, over an open channel or by a request."""

from __future__ import annotations

from analysis.charts.canvas import Chart, Margins, drawing, framed, log_latency, nielsen_guides
from analysis.charts.style import LIGHT, POINTS_PER_IN, text_size
from analysis.charts.transport_marks import label_colour, plot_style, whiskers
from analysis.formatting import milliseconds
from analysis.summary.results import Results, latency_quantity
from contract.summary import Point

_ROW_IN = 0.55
_MODEL_HALF_HEIGHT = 0.26


def round_trip_chart(results: Results) -> Chart | None:
    """Return median, p95 and p99 of the round trip per transport, with the model's median as a tick."""
    if not results.round_trip:
        return None
    rows = [(series.transport, point) for series in results.base_points() for point in series.points]
    title = "Round trip of a small message"
    model = [point.model.p50_ms for _, point in rows]
    named = {style.name: _quantiles(point) for style, point in rows}
    shown = [value for found in named.values() for value in found.values()] + [m for m in model if m]
    left_in = (max(text_size(style.label, 8.5)[0] for style, _ in rows) + 16) / POINTS_PER_IN
    with drawing():
        figure, grid = framed(
            title,
            "From sending to its answer's arrival: median (mark, with 95 % interval), 95th (|) and 99th (end of "
            "line) percentile, where there are messages enough for them; upright bar: model; "
            f"{results.conditions()}.",
            _ROW_IN * len(rows) + 0.1,
            Margins(left=left_in, right=0.4),
        )
        axes = grid[0][0]
        log_latency(axes.xaxis, min(shown), max(shown), "round trip")
        nielsen_guides(axes, vertical=True)
        axes.set_ylim(len(rows) - 0.5, -0.6)
        axes.set_yticks(range(len(rows)), [style.label for style, _ in rows], fontsize=8.5)
        axes.tick_params(axis="y", length=0)
        axes.grid(visible=False, axis="y")
        for tick, (style, _) in zip(axes.get_yticklabels(), rows, strict=True):
            tick.set_color(label_colour(style))
        for at, ((style, point), expected) in enumerate(zip(rows, model, strict=True)):
            quantiles, colour = named[style.name], style.colour.lower()
            first = next(iter(quantiles))
            along = list(quantiles.values())
            axes.plot(along, [at] * len(along), color=colour, linewidth=1.6, zorder=3)
            if "p95" in quantiles:
                p95 = [quantiles["p95"]]
                axes.plot(p95, [at], color=colour, marker="|", markersize=9, markeredgewidth=1.6, zorder=3)
            axes.plot(along[:1], [at], **plot_style(style, line=False))
            bounds = [latency_quantity(first).ci95(point)]
            whiskers(axes, along[:1], [at], bounds, style.colour, horizontal=True)
            if expected:
                reach = [at - _MODEL_HALF_HEIGHT, at + _MODEL_HALF_HEIGHT]
                axes.plot([expected, expected], reach, color=LIGHT.ink, linewidth=1.0, zorder=2)
            axes.annotate(
                _in_words(quantiles),
                (along[0], at),
                xytext=(0, 9),
                textcoords="offset points",
                size=8,
                color=LIGHT.ink,
                va="bottom",
            )
    sentences = [f"{style.label}: {_in_words(named[style.name])}" for style, _ in rows]
    return Chart("round-trip", title, "; ".join(sentences) + ".", figure)


def _quantiles(point: Point) -> dict[str, float]:
    """Return the quantiles for which there are enough messages, or the mean if there are none."""
    latency = point.latency_ms
    named = {"p50": latency.p50, "p95": latency.p95, "p99": latency.p99}
    found = {name: value for name, value in named.items() if value is not None}
    return found or ({} if latency.mean is None else {"mean": latency.mean})


def _in_words(quantiles: dict[str, float]) -> str:
    ends = dict([next(iter(quantiles.items())), list(quantiles.items())[-1]])
    return ", ".join(f"{'median' if name == 'p50' else name} {milliseconds(value)}" for name, value in ends.items())
