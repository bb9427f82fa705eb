"""Charts of two runs in the same axes: the baseline hollow and dashed, the compared run filled."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.charts.canvas import Chart, Margins, drawing, framed, linear_from_zero, log_latency, nielsen_guides
from analysis.charts.labels import Label, label_points
from analysis.charts.style import LIGHT
from analysis.charts.transport_marks import (
    STATISTICS,
    draw_key,
    label_colour,
    plot_style,
    series_values,
    whiskers,
)
from analysis.formatting import figure as digits
from analysis.formatting import milliseconds
from analysis.summary.results import (
    Quantity,
    Results,
    Series,
    common_statistic,
    latency_quantity,
    points_of,
    reported_quantity,
)
from contract.points import parameter_name, parameter_title
from contract.summary import Point

_KEY_IN = 0.22
_MARGINS = Margins(left=0.85, right=0.95, bottom=0.75)
_REQUESTS = reported_quantity("requests_per_s").value
_SERVER_CPU = Quantity(lambda p: p.server_cpu_us_per_event, lambda p: p.server_cpu_us_per_event_ci95)


def compared_charts(number: int, baseline: Results, other: Results) -> list[Chart]:
    """Return the charts of both runs; `number` makes their names unique among several comparisons on a page."""
    charts = [_latency_against_requests(number, baseline, other)]
    shared = [
        name
        for name in baseline.varied_numbers(shared=True) + baseline.varied_numbers(shared=False)
        if name in other.varied_numbers(shared=True) + other.varied_numbers(shared=False)
    ]
    for name in dict.fromkeys(shared):
        charts.append(_against(number, baseline, other, name, "latency"))
        charts.append(_against(number, baseline, other, name, "server_cpu_us_per_event"))
    charts.append(_costs(number, baseline, other))
    return [chart for chart in charts if chart is not None]


def _latency_against_requests(number: int, baseline: Results, other: Results) -> Chart | None:
    sides = [[s for s in side.own_sweeps() if _is_known(s, _REQUESTS)] for side in (baseline, other)]
    statistic = common_statistic(points_of([*sides[0], *sides[1]]), "p95")
    latency = latency_quantity(statistic)
    sides = [[series for series in side if _is_known(series, latency.value)] for side in sides]
    if not all(sides) or baseline.round_trip:
        return None
    title = "Latency and requests of both runs"
    subtitle = f"{STATISTICS[statistic].capitalize()} of latency against requests per second and client."
    with drawing():
        figure, grid = framed(title, subtitle, 3.4, _MARGINS)
        axes = grid[0][0]
        everything = [series for side in sides for series in side]
        latencies = [y for series in everything for y in series.known(latency.value)]
        log_latency(axes.yaxis, min(latencies), max(latencies), f"{statistic} latency")
        linear_from_zero(
            axes.xaxis,
            max(x for series in everything for x in series.known(_REQUESTS)),
            "requests per second and client",
        )
        nielsen_guides(axes, vertical=False)
        labels: list[Label] = []
        marks: list[tuple[float, float]] = []
        for is_baseline, side in zip((True, False), sides, strict=True):
            for series in side:
                xs, ys = series.known(_REQUESTS), series.known(latency.value)
                axes.plot(xs, ys, **_look(series, is_baseline))
                _intervals(axes, series, xs, ys, latency, is_baseline)
                marks += zip(xs, ys, strict=True)
                if not is_baseline:
                    middle = len(xs) // 2
                    name, colour = series.transport.label, label_colour(series.transport)
                    labels.append(Label(xs[middle], ys[middle], name, colour, size=9, bold=True))
        label_points(axes, labels, marks, [])
        _key(figure, everything)
    caption = _caption(sides, latency, milliseconds, f"{statistic} of latency")
    return Chart(f"compared-{number}-latency-requests", title, caption, figure)


def _against(number: int, baseline: Results, other: Results, parameter: str, what: str) -> Chart | None:
    sides = [side.swept(parameter) for side in (baseline, other)]
    if not all(sides):
        return None
    everything = [series for side in sides for series in side]
    if what == "latency":
        statistic = common_statistic(points_of(everything), "p95")
        quantity, name = latency_quantity(statistic), f"{statistic} latency"
    else:
        quantity, name = _SERVER_CPU, "server CPU per event"
    sides = [[series for series in side if _is_known(series, quantity.value)] for side in sides]
    if not all(sides):
        return None
    everything = [series for side in sides for series in side]
    title = f"{name[0].upper()}{name[1:]} against {parameter_title(parameter)}, both runs"
    with drawing():
        figure, grid = framed(title, f"{baseline.conditions(without=parameter)}.", 2.8, _MARGINS)
        axes = grid[0][0]
        values = [value for series in everything for value in series.known(quantity.value)]
        highest = max(point.parameters[parameter] for series in everything for point in series.points)
        linear_from_zero(axes.xaxis, highest, parameter_name(parameter))
        if what == "latency":
            log_latency(axes.yaxis, min(values), max(values), name)
            nielsen_guides(axes, vertical=False)
        else:
            ends = [high for series in sides[1] for _, high in series.known(quantity.ci95)]
            linear_from_zero(axes.yaxis, max([*values, *ends]), f"{name}, µs")
        labels: list[Label] = []
        lines: list[list[tuple[float, float]]] = []
        for is_baseline, side in zip((True, False), sides, strict=True):
            for series in side:
                xs, ys = series_values(series, quantity.value)
                axes.plot(xs, ys, **_look(series, is_baseline))
                _intervals(axes, series, xs, ys, quantity, is_baseline)
                lines.append(list(zip(xs, ys, strict=True)))
                if not is_baseline:
                    labels.append(Label(xs[-1], ys[-1], series.transport.label, label_colour(series.transport)))
        label_points(axes, labels, [mark for line in lines for mark in line], lines)
        _key(figure, everything)
    shown = milliseconds if what == "latency" else digits
    return Chart(
        f"compared-{number}-{what}-{parameter}".replace("_", "-"), title, _caption(sides, quantity, shown, name), figure
    )


def _costs(number: int, baseline: Results, other: Results) -> Chart | None:
    """Draw the server CPU per event of both runs at the base points, side by side; None without a common transport."""
    sides = [[s for s in side.base_points() if _is_known(s, _SERVER_CPU.value)] for side in (baseline, other)]
    names = [series.transport.label for series in sides[0] if series.transport.name in _names(sides[1])]
    if not names:
        return None
    title = "Server CPU per event at the base point, both runs"
    with drawing():
        figure, grid = framed(
            title, f"{baseline.conditions()}.", 0.45 * len(names) + 0.3, Margins(left=1.2, bottom=0.85)
        )
        axes = grid[0][0]
        bounds = [high for side in sides for s in side for _, high in s.known(_SERVER_CPU.ci95)]
        linear_from_zero(
            axes.xaxis, max([*bounds, *(y for side in sides for s in side for y in s.known(_SERVER_CPU.value))]), "µs"
        )
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.set_yticks(range(len(names)), names, color=LIGHT.ink)
        for is_baseline, side in zip((True, False), sides, strict=True):
            for series in side:
                if series.transport.label in names:
                    y = names.index(series.transport.label) + (-0.14 if is_baseline else 0.14)
                    xs = series.known(_SERVER_CPU.value)
                    axes.plot(xs, [y], **_look(series, is_baseline))
                    pairs = series.values(_SERVER_CPU.ci95)
                    whiskers(axes, xs, [y], pairs, series.transport.colour, horizontal=True)
        _key(figure, sides[0])
    caption = _caption(sides, _SERVER_CPU, digits, "Server CPU per event, µs", whiskers_of="both")
    return Chart(f"compared-{number}-server-cpu", title, caption, figure)


def _names(side: Sequence[Series]) -> set[str]:
    return {series.transport.name for series in side}


def _is_known(series: Series, read: Callable[[Point], float | None]) -> bool:
    return None not in series.values(read)


def _look(series: Series, is_baseline: bool) -> dict[str, Any]:
    drawn = plot_style(series.transport, rank=1 if is_baseline else 9) | {"linewidth": 1.0 if is_baseline else 1.6}
    if not is_baseline:
        return {**drawn, "dashes": (None, None)}
    hollow = {"markerfacecolor": LIGHT.background, "markeredgecolor": drawn["color"], "markeredgewidth": 1.1}
    return {**drawn, **hollow, "dashes": (3, 2), "zorder": 3}


def _intervals(
    axes: Axes, series: Series, xs: Sequence[float], ys: Sequence[float], quantity: Quantity, is_baseline: bool
) -> None:
    if not is_baseline:
        whiskers(axes, xs, ys, series.values(quantity.ci95), series.transport.colour)


def _key(figure: Figure, everything: Sequence[Series]) -> None:
    for_baseline, for_other = (
        Line2D([], [], **(_look(everything[0], is_baseline) | {"color": LIGHT.ink, "marker": "o"}))
        for is_baseline in (True, False)
    )
    for_baseline.set_markeredgecolor(LIGHT.ink)
    draw_key(figure, [(for_baseline, "A, the baseline"), (for_other, "B")], _KEY_IN)


def _caption(
    sides: Sequence[Sequence[Series]],
    quantity: Quantity,
    shown: Callable[[float], str],
    name: str,
    whiskers_of: str = "B",
) -> str:
    moves = "; ".join(_moves(sides, quantity, shown))
    return f"{name[0].upper()}{name[1:]}, A and B: {moves}. Whiskers are 95 % intervals of {whiskers_of}."


def _moves(sides: Sequence[Sequence[Series]], quantity: Quantity, shown: Callable[[float], str]) -> Iterator[str]:
    theirs = {series.transport.name: series for series in sides[1]}
    for series in sides[0]:
        if (other := theirs.get(series.transport.name)) is not None:
            pairs = list(zip(series.known(quantity.value), other.known(quantity.value), strict=False))
            ends = pairs if len(pairs) < 3 else [pairs[0], pairs[-1]]
            yield f"{series.transport.label} " + ", ".join(f"{shown(a)} and {shown(b)}" for a, b in ends)
