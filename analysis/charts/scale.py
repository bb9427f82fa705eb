"""Charts against the number of clients: latency with the fan-out law, CPU per delivery, memory, time to connect."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from analysis.charts.canvas import (
    Chart,
    Margins,
    drawing,
    framed,
    linear_from_zero,
    log_counts,
    log_latency,
    nielsen_guides,
)
from analysis.charts.style import LIGHT
from analysis.charts.transport_marks import draw_key, key_height_in, plot_style, whiskers
from analysis.formatting import change, figure, knee_in_words, milliseconds
from analysis.models.registry import MODELS
from analysis.summary.results import Results, Series
from contract.points import parameter_name
from contract.summary import Point, Scaling, ScalingLaw

_Read = Callable[[Point], float | None]
_PLOT_IN = 4.6
_STEPS = 80
_PANELS: tuple[tuple[str, _Read, float, str], ...] = (
    ("server CPU per delivery", lambda point: point.server_cpu_us_per_event, 1.0, "CPU time (µs)"),
    ("server memory, all connected", lambda point: point.server_connected_rss_bytes, 1e-6, "resident memory (MB)"),
    ("time until all are connected", lambda point: point.time_to_connect_s, 1.0, "time (s)"),
)


def scale_chart(results: Results) -> Chart | None:
    """Return four panels against the number of clients; None if the run does not vary it widely enough."""
    scaling = results.summary.scaling
    if scaling is None:
        return None
    groups = [series for series in results.swept("clients") if series.transport.name in scaling.transports]
    if not groups:
        return None
    laws = {name: found.law for name, found in scaling.transports.items()}
    title = "How each transport scales with clients"
    hollow = "Hollow: not valid. " if any(not p.valid for series in groups for p in series.points) else ""
    subtitle = f"{hollow}Dashed in the first panel: fan-out law d + Nc; {results.conditions(without='clients')}."
    names = [series.transport.label for series in groups]
    with drawing():
        drawn, grid = framed(
            title,
            subtitle,
            _PLOT_IN,
            Margins(left=0.75, right=0.25, top=0.5 + key_height_in(names), between_columns=0.8, between_rows=0.75),
            rows=2,
            columns=2,
        )
        panels = [axes for row in grid for axes in row]
        _latency(panels[0], groups, laws)
        for axes, (name, read, scale, label) in zip(panels[1:], _PANELS, strict=True):
            _cost(axes, groups, name, read, scale, label)
        top_in = panels[0].get_position().y1 * drawn.get_size_inches()[1]
        handles = [(Line2D([], [], **plot_style(series.transport)), series.transport.label) for series in groups]
        draw_key(drawn, handles, top_in + 0.33 + key_height_in(names))
    return Chart("scale", title, _caption(groups, scaling), drawn)


def _latency(axes: Axes, groups: Sequence[Series], laws: Mapping[str, ScalingLaw | None]) -> None:
    curves = {series.transport.name: _law_curve(series, laws[series.transport.name]) for series in groups}
    measured = [y for series in groups for y in series.known(_reach_ms)]
    expected = [y for curve in curves.values() for _, y in curve]
    _panel(axes, groups, "until 99 % of the clients have an event")
    log_latency(axes.yaxis, min([*measured, *expected]), max([*measured, *expected]), "latency")
    nielsen_guides(axes, vertical=False)
    for series in groups:
        xs, ys = _values(series, _reach_ms, 1.0)
        _line(axes, series, _reach_ms, 1.0)
        bounds = series.values(lambda point: None if point.reach_ms is None else point.reach_ms.p99_ci95)
        whiskers(axes, xs, ys, bounds, series.transport.colour)
        curve = curves[series.transport.name]
        axes.plot([x for x, _ in curve], [y for _, y in curve], **_law_line())


def _cost(axes: Axes, groups: Sequence[Series], name: str, read: _Read, scale: float, label: str) -> None:
    _panel(axes, groups, name)
    linear_from_zero(axes.yaxis, max((y for s in groups for y in _values(s, read, scale)[1]), default=0.0), label)
    for series in groups:
        _line(axes, series, read, scale)


def _line(axes: Axes, series: Series, read: _Read, scale: float) -> None:
    """Draw a transport's points, joined by a line, and hollow if they are not valid."""
    axes.plot(*_values(series, read, scale), **plot_style(series.transport))
    invalid = replace(series, points=[point for point in series.points if not point.valid])
    hollow = {"markerfacecolor": LIGHT.background, "markeredgecolor": series.transport.colour.lower(), "zorder": 5}
    axes.plot(*_values(invalid, read, scale), **plot_style(series.transport, line=False) | hollow)


def _panel(axes: Axes, groups: Sequence[Series], name: str) -> None:
    axes.set_title(name, size=8.5, color=LIGHT.ink, loc="left")
    clients = [point.parameters.clients for series in groups for point in series.points]
    log_counts(axes.xaxis, min(clients), max(clients), parameter_name("clients"))


def _reach_ms(point: Point) -> float | None:
    return None if point.reach_ms is None else point.reach_ms.p99


def _values(series: Series, read: _Read, scale: float) -> tuple[list[float], list[float]]:
    known = [(point.parameters.clients, read(point)) for point in series.points]
    pairs = [(clients, scale * value) for clients, value in known if value is not None]
    return [x for x, _ in pairs], [y for _, y in pairs]


def _law_curve(series: Series, law: ScalingLaw | None) -> list[tuple[float, float]]:
    """Return (clients, ms) of the last client's latency in a broadcast; empty if the law has no slope."""
    formula = MODELS[series.transport.model].law
    if law is None or law.max_slope_us is None or formula is None or formula.broadcast_max_s is None:
        return []
    first, last = series.points[0].parameters, series.points[-1].parameters
    send_cost_s, delay_s = law.max_slope_us / 1e6, first.one_way_delay_ms / 1000
    clients = np.geomspace(first.clients, last.clients, _STEPS)
    return [(float(n), 1000 * formula.broadcast_max_s(round(n), send_cost_s, delay_s)) for n in clients]


def _law_line() -> dict[str, Any]:
    return {"color": LIGHT.ink, "linewidth": 0.9, "dashes": (4, 2), "zorder": 2}


def _reach(groups: Sequence[Series]) -> str:
    clients = [point.parameters.clients for series in groups for point in series.points]
    return f"{min(clients):,} to {max(clients):,} clients"


def _caption(groups: Sequence[Series], scaling: Scaling) -> str:
    bound = milliseconds(scaling.p99_bound_ms)
    sentences = []
    for series in groups:
        p99 = series.known(_reach_ms)
        cpu = series.known(lambda point: point.server_cpu_us_per_event)
        spent = f", server CPU per delivery {change(*(f'{figure(cpu[i])} µs' for i in (0, -1)))}" if cpu else ""
        knee = knee_in_words(scaling.transports[series.transport.name].knee)
        sentences.append(
            f"{series.transport.label}: 99 % of the clients {change(milliseconds(p99[0]), milliseconds(p99[-1]))}"
            f"{spent}, knee {knee}"
        )
    return (
        f"{_reach(groups)}: {'; '.join(sentences)}. Knee: 99 % of the clients at most {bound} after the model's. "
        "Whiskers are 95 % intervals."
    )
