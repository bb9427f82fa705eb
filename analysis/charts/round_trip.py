"""How long a small message takes there and back, over an open channel or with a request."""

from __future__ import annotations

from analysis.charts.canvas import Chart, Margins, drawing, framed, log_latency, nielsen_guides
from analysis.charts.lettering import text_size
from analysis.charts.marks import label_colour, look, whiskers
from analysis.quantities import milliseconds
from analysis.series import Results, value_at
from analysis.style import LIGHT, POINTS_PER_IN

_ROW_IN = 0.55
_MODEL_HALF_HEIGHT = 0.26


def round_trip_chart(results: Results) -> Chart | None:
    """Median, p95 and p99 of the round trip per transport, with the model's median as a tick."""
    if not results.round_trip:
        return None
    rows = [(series.transport, point) for series in results.base_points() for point in series.points]
    title = "Round trip of a small message"
    model = [value_at(point, "model", "p50_ms") for _, point in rows]
    shown = [point["latency_ms"][q] for _, point in rows for q in ("p50", "p99")] + [m for m in model if m]
    left_in = (max(text_size(style.label, 8.5)[0] for style, _ in rows) + 16) / POINTS_PER_IN
    with drawing():
        figure, grid = framed(
            title, "From sending to its answer's arrival: median (mark, with 95 % interval), 95th (|) and 99th (end of "
            f"line) percentile; upright bar: model; {results.conditions()}.", _ROW_IN * len(rows) + 0.1,
            Margins(left=left_in, right=0.4),
        )  # fmt: skip
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
            latency, colour = point["latency_ms"], style.colour.lower()
            axes.plot([latency["p50"], latency["p99"]], [at, at], color=colour, linewidth=1.6, zorder=3)
            axes.plot([latency["p95"]], [at], color=colour, marker="|", markersize=9, markeredgewidth=1.6, zorder=3)
            axes.plot([latency["p50"]], [at], **look(style, line=False))
            whiskers(axes, [latency["p50"]], [at], [latency["p50_ci95"]], style.colour, horizontal=True)
            if expected:
                reach = [at - _MODEL_HALF_HEIGHT, at + _MODEL_HALF_HEIGHT]
                axes.plot([expected, expected], reach, color=LIGHT.ink, linewidth=1.0, zorder=2)
            axes.annotate(
                f"{milliseconds(latency['p50'])}, p99 {milliseconds(latency['p99'])}", (latency["p50"], at),
                xytext=(0, 9), textcoords="offset points", size=8, color=LIGHT.ink, va="bottom",
            )  # fmt: skip
    sentences = [
        f"{style.label}: median {milliseconds(latency['p50'])}, p99 {milliseconds(latency['p99'])}"
        for style, latency in ((style, point["latency_ms"]) for style, point in rows)
    ]
    return Chart("round-trip", title, "; ".join(sentences) + ".", figure)
