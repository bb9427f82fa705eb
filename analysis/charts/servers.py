"""A chart that compares a scenario's servers: each transport's latency and server CPU time on every server."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.axes import Axes

from analysis.charts.canvas import Chart, Margins, drawing, framed, linear_from_zero, log_latency
from analysis.charts.style import LIGHT, POINTS_PER_IN, text_size
from analysis.charts.transport_marks import STATISTICS, label_colour, plot_style, whiskers
from analysis.formatting import figure as digits
from analysis.formatting import listed
from analysis.summary.pairing import COSTS
from analysis.summary.results import Quantity, Results, Series, common_statistic, latency_quantity, points_of

_ROW_IN = 0.27
_NAME_POINTS = 8.5
_GROUP_GAP = 0.4
"""The gap between the rows of two transports, in rows."""


@dataclass(frozen=True)
class _Panel:
    name: str
    unit: str
    quantity: Quantity


def servers_chart(results: Results) -> Chart | None:
    """Return latency and server CPU of every transport on every server; None with a single server."""
    rows = [Series(style, "server", [point]) for style, point in results.base_points_by_server()]
    if len(results.servers) < 2 or not rows:
        return None
    panels = _panels(results, rows)
    names = [f"{row.transport.label}, {_server(row)}" for row in rows]
    heights = _heights(rows)
    left_in = (max(text_size(name, _NAME_POINTS)[0] for name in names) + 16) / POINTS_PER_IN
    title = "The servers beside each other"
    with drawing():
        figure, grid = framed(
            title,
            f"All were measured in the same blocks; hollow: {results.servers[0]}, with which the others are compared; "
            f"{results.conditions(without='server')}.",
            _ROW_IN * (heights[-1] + 1) + 0.1,
            Margins(left=left_in, right=0.5, bottom=0.5, top=0.1, between_columns=0.4),
            columns=len(panels),
        )
        for axes, panel in zip(grid[0], panels, strict=True):
            _draw(axes, panel, rows, heights, results.servers[0])
        first = grid[0][0]
        first.set_yticks(heights, names, fontsize=_NAME_POINTS)
        for tick, row in zip(first.get_yticklabels(), rows, strict=True):
            tick.set_color(label_colour(row.transport))
    return Chart("servers", title, f"{_caption(panels, rows)} Whiskers are 95 % intervals.", figure)


def _panels(results: Results, rows: list[Series]) -> list[_Panel]:
    statistic = common_statistic(points_of(rows), "p95", "p50")
    cpu = COSTS["server_cpu_us_per_event"]
    return [
        _Panel(f"{STATISTICS[statistic]} of {results.latency_name}", "ms", latency_quantity(statistic)),
        *([_Panel(f"server CPU per {results.unit}", "µs", cpu)] if any(row.known(cpu.value) for row in rows) else []),
    ]


def _server(row: Series) -> str:
    return str(row.points[0].parameters.server)


def _heights(rows: list[Series]) -> list[float]:
    """Return where each row lies from the top, with a gap before each further transport."""
    groups = list(dict.fromkeys(row.transport.name for row in rows))
    return [at + _GROUP_GAP * groups.index(row.transport.name) for at, row in enumerate(rows)]


def _draw(axes: Axes, panel: _Panel, rows: list[Series], heights: list[float], first: str) -> None:
    values = [value for row in rows for value in row.known(panel.quantity.value)]
    ends = [high for row in rows for _, high in row.known(panel.quantity.ci95)]
    if panel.unit == "ms":
        log_latency(axes.xaxis, min(values), max([*values, *ends]), panel.name)
    else:
        linear_from_zero(axes.xaxis, max([*values, *ends]), f"{panel.name}, {panel.unit}")
    axes.set_ylim(heights[-1] + 0.6, -0.6)
    axes.set_yticks([])
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    for row, at in zip(rows, heights, strict=True):
        [value] = row.values(panel.quantity.value)
        if value is None:
            axes.annotate("not measured", (0, at), xytext=(4, 0), textcoords="offset points", va="center", size=7.5)
            continue
        whiskers(axes, [value], [at], row.values(panel.quantity.ci95), row.transport.colour, horizontal=True)
        drawn = plot_style(row.transport, line=False)
        if _server(row) == first:
            drawn |= {"markerfacecolor": LIGHT.background, "markeredgecolor": drawn["color"], "markeredgewidth": 1.1}
        axes.plot([value], [at], **drawn)
        end = max([value, *(high for _, high in row.known(panel.quantity.ci95))])
        axes.annotate(
            digits(value),
            (end, at),
            xytext=(7, 0),
            textcoords="offset points",
            va="center",
            size=7.5,
            color=LIGHT.ink,
            annotation_clip=False,
        )


def _caption(panels: list[_Panel], rows: list[Series]) -> str:
    labels = {row.transport.name: row.transport.label for row in rows}
    sentences = []
    for panel in panels:
        parts = [
            f"{label} "
            + listed(
                [
                    f"{digits(row.values(panel.quantity.value)[0])} {panel.unit} on {_server(row)}"
                    for row in rows
                    if row.transport.name == name
                ]
            )
            for name, label in labels.items()
        ]
        sentences.append(f"{panel.name[0].upper()}{panel.name[1:]}: {'; '.join(parts)}.")
    return " ".join(sentences)
