"""The main chart: latency against requests per second, for polling at several intervals and for others."""

from __future__ import annotations

from analysis.charts.canvas import Chart, Margins, drawing, framed, linear_from_zero, log_latency, nielsen_guides
from analysis.charts.labels import Label, label_points
from analysis.charts.transport_marks import (
    STATISTICS,
    closed_form_curve,
    label_colour,
    plot_style,
    whiskers,
)
from analysis.formatting import figure as digits
from analysis.formatting import milliseconds
from analysis.models.model import Expectation
from analysis.statistics.distribution import LATENCY_QUANTILES
from analysis.summary.results import Results, Series, common_statistic, latency_quantity, points_of, reported_quantity
from contract.points import parameter_value

_REQUESTS = reported_quantity("requests_per_s")
TITLE = "How late events are, and how many requests that takes"


def hero_chart(results: Results) -> Chart | None:
    """Return latency against requests per second and client; None for round trips and runs without requests.

    Latency is the p95, or the mean if a point has too few events for one.
    """
    if results.round_trip:
        return None
    groups = [_drawable(series) for series in results.own_sweeps()]
    groups = [series for series in groups if series.points]
    if not any(x > 0 for series in groups for x in series.known(_REQUESTS.value)):
        return None
    with drawing():
        return _draw(results, groups)


def _drawable(series: Series) -> Series:
    points = [point for point in series.points if _REQUESTS.value(point) is not None]
    return Series(series.transport, series.parameter, points)


def _draw(results: Results, groups: list[Series]) -> Chart:
    statistic = common_statistic(points_of(groups), "p95")
    figure, grid = framed(
        TITLE,
        f"{STATISTICS[statistic].capitalize()} of latency (received − due) against requests per second and client"
        f"{'; line: closed form' if any(len(s.points) > 1 for s in groups) else ''}; {results.conditions()}.",
        3.7,
        Margins(left=0.85, right=0.35, bottom=0.5),
    )
    axes = grid[0][0]
    latency = latency_quantity(statistic)
    latencies = [y for series in groups for y in series.known(latency.value)]
    bounds = [b for series in groups for pair in series.known(latency.ci95) for b in pair]
    bounds = [bound for bound in bounds if bound > min(latencies) / 2]
    log_latency(axes.yaxis, min(latencies + bounds), max(latencies + bounds), f"{statistic} latency")
    linear_from_zero(
        axes.xaxis,
        _reach(groups),
        "requests per second and client",
    )
    nielsen_guides(axes, vertical=False)
    labels: list[Label] = []
    marks: list[tuple[float, float]] = []
    lines: list[list[tuple[float, float]]] = []
    for rank, series in enumerate(groups):
        xs, ys = series.known(_REQUESTS.value), series.known(latency.value)
        spots = list(zip(xs, ys, strict=True))
        curve = _curve(series, statistic) or spots
        axes.plot([x for x, _ in curve], [y for _, y in curve], **{**plot_style(series.transport), "marker": ""})
        axes.plot(xs, ys, **plot_style(series.transport, line=False, rank=rank))
        along, across = series.values(latency.ci95), series.values(_REQUESTS.ci95)
        whiskers(axes, xs, ys, along, series.transport.colour)
        whiskers(axes, xs, ys, across, series.transport.colour, horizontal=True)
        labels += _labels(series, statistic)
        marks += spots
        lines.append(curve)
        lines += [[(end, y) for end in pair] for pair, y in zip(across, ys, strict=True) if pair]
        low, high = axes.get_ylim()
        lines += [[(x, min(max(end, low), high)) for end in pair] for pair, x in zip(along, xs, strict=True) if pair]
    label_points(axes, labels, marks, lines)
    return Chart("hero", TITLE, _caption(groups, statistic), figure)


def _reach(groups: list[Series]) -> float:
    """Return the end of the axis of requests per second: that of the intervals, unless these are very wide."""
    most = max(x for series in groups for x in series.known(_REQUESTS.value))
    bounds = [high for series in groups for _, high in series.known(_REQUESTS.ci95)]
    return min(max([most, *bounds]), 1.3 * most)


def _curve(series: Series, statistic: str) -> list[tuple[float, float]]:
    """Return the statistic over requests per second by the closed form, from the series' first to its last point."""
    if len(series.points) < 2:
        return []
    requests = closed_form_curve(series, lambda expectation: expectation.requests_per_s)
    latency = closed_form_curve(series, lambda expectation: 1000 * _expected_s(expectation, statistic))
    return [(x, y) for (_, x), (_, y) in zip(requests, latency, strict=True)]


def _expected_s(expectation: Expectation, statistic: str) -> float:
    return expectation.mean_s if statistic == "mean" else expectation.quantile_s(LATENCY_QUANTILES[statistic])


def _labels(series: Series, statistic: str) -> list[Label]:
    colour = label_colour(series.transport)
    spots = list(zip(series.known(_REQUESTS.value), series.known(latency_quantity(statistic).value), strict=True))
    named = len(spots) // 2
    labels = [Label(*spots[named], series.transport.label, colour, size=9, bold=True)]
    if len(spots) > 1:
        for spot, point in zip(spots, series.points, strict=True):
            text = parameter_value(series.parameter, point.parameters[series.parameter])
            labels.append(Label(*spot, text, colour, size=7.5))
    return labels


def _caption(groups: list[Series], statistic: str) -> str:
    parts = []
    for series in groups:
        late_ms, requests = series.known(latency_quantity(statistic).value), series.known(_REQUESTS.value)
        for point, y, x in zip(series.points, late_ms, requests, strict=True):
            name = series.transport.label
            if len(series.points) > 1:
                name += f" {parameter_value(series.parameter, point.parameters[series.parameter])}"
            parts.append(f"{name}: {statistic} {milliseconds(y)} at {digits(x)} requests/s")
    return "; ".join(parts) + ". Figures are those of the table; whiskers are 95 % intervals."
