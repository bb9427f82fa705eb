"""Charts of horizontal bars, one row per point, always from zero: time, bytes and CPU time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from analysis.charts.canvas import Chart, Margins, drawing, framed, linear_from_zero
from analysis.charts.style import LIGHT, POINTS_PER_IN, text_size
from analysis.charts.transport_marks import draw_key, label_colour
from analysis.formatting import figure as digits
from analysis.formatting import listed
from analysis.summary.results import Results, Series
from contract.points import parameter_title, point_name
from contract.summary import Part, Point

_ROW_IN = 0.3
_NAME_POINTS = 8.5
_KEY_IN = 0.42


@dataclass(frozen=True)
class _Part:
    read: Callable[[Point], float | None]
    label: str
    colour: str
    hatch: str = ""


@dataclass(frozen=True)
class _Row:
    name: str
    colour: str
    values: tuple[float | None, ...]
    """One value per part; None if it was not measured."""


def _mean_ms(part: Part | None) -> float | None:
    return None if part is None else part.mean


_BYTES = (
    _Part(lambda point: point.bytes_split_per_event.payload, "content (JSON)", LIGHT.shade_1),
    _Part(lambda point: point.bytes_split_per_event.framing_and_headers, "framing and headers", LIGHT.shade_2),
    _Part(lambda point: point.bytes_split_per_event.empty_polls, "empty polls", LIGHT.shade_3),
    _Part(lambda point: point.bytes_split_per_event.tcp_ip, "TCP/IP", LIGHT.shade_4, "////"),
)
_TIME = (
    _Part(lambda point: _mean_ms(point.parts_ms.server_lag), "until published", LIGHT.shade_1),
    _Part(lambda point: _mean_ms(point.parts_ms.queue), "at the server until written", LIGHT.shade_2),
    _Part(lambda point: _mean_ms(point.parts_ms.delivery), "on the way", LIGHT.shade_3),
    _Part(lambda point: _mean_ms(point.parts_ms.client_delay), "until the client read it", LIGHT.shade_4, "////"),
)
_CPU = (
    _Part(lambda point: point.server_cpu_us_per_event, "server", LIGHT.shade_1),
    _Part(lambda point: point.load_cpu_us_per_event, "load generator", LIGHT.shade_3),
)


def time_chart(results: Results, parameter: str = "") -> Chart | None:
    """Return stacked bars of the time an event spends at each stage, per transport or value of a swept parameter.

    None if the run has no trace of the server.
    """
    groups = results.swept(parameter) if parameter else results.own_sweeps()
    traced = any(point.parts_ms.queue for series in groups for point in series.points)
    parts, rows = _measured(groups, _TIME)
    if not traced or not rows:
        return None
    title = "Where the time goes" + (f", against {parameter_title(parameter)}" if parameter else "")
    totals = [sum(value or 0.0 for value in row.values) for row in rows]
    with drawing():
        figure, axes = _frame(
            title,
            "Means, as only they add up: from when an event was due until the client's program had it; "
            f"{results.conditions(without=parameter)}.",
            rows,
            _ROW_IN,
        )
        linear_from_zero(axes.xaxis, max(totals), f"ms per {results.unit}")
        for at, (row, total) in enumerate(zip(rows, totals, strict=True)):
            _stack(axes, at, row, parts)
            _write(axes, total, at, digits(total))
        _key(figure, parts)
    sentences = [
        f"{row.name}: {digits(total)} ms, of which "
        + ", ".join(f"{digits(value)} {part.label}" for part, value in zip(parts, row.values, strict=True))
        for row, total in zip(rows, totals, strict=True)
    ]
    name = f"time-against-{parameter.replace('_', '-')}" if parameter else "time"
    return Chart(name, title, f"Means. {'; '.join(sentences)}.", figure)


def bytes_chart(results: Results) -> Chart | None:
    """Return stacked bars of the bytes per delivered event, by purpose; None if they were not measured."""
    parts, rows = _measured(results.own_sweeps(), _BYTES)
    # A bar without its content would be too short: if the content is not known (compression), there is no bar.
    rows = [row for row in rows if row.values[0] is not None]
    if not rows or _BYTES[0] not in parts:
        return None
    title = f"Bytes on the wire for each {results.unit} delivered"
    tcp_ip = (
        " TCP/IP headers are in it; the tables count at the socket, without them."
        if parts[-1] == _BYTES[-1]
        else " TCP/IP overhead was not measured."
    )
    totals = [sum(value or 0.0 for value in row.values) for row in rows]
    with drawing():
        figure, axes = _frame(
            title, f"Both directions, connection set-up apart; {results.conditions()}.{tcp_ip}", rows, _ROW_IN
        )
        linear_from_zero(axes.xaxis, max(totals), f"bytes per {results.unit} and client")
        for at, (row, total) in enumerate(zip(rows, totals, strict=True)):
            _stack(axes, at, row, parts)
            _write(axes, total, at, digits(total))
        _key(figure, parts)
    sentences = [
        f"{row.name}: {digits(total)} B, of which "
        + listed([f"{digits(value)} B {part.label}" for part, value in zip(parts, row.values, strict=True) if value])
        for row, total in zip(rows, totals, strict=True)
    ]
    return Chart("bytes", title, f"{'; '.join(sentences)}.{tcp_ip}", figure)


def cpu_chart(results: Results) -> Chart | None:
    """Return bars of the CPU time per delivered event, of the server and of the load generator."""
    parts, rows = _measured(results.own_sweeps(), _CPU)
    if not rows:
        return None
    title = f"CPU time for each {results.unit} delivered"
    height = 0.72 / len(parts)
    with drawing():
        figure, axes = _frame(
            title,
            f"User and system time in the measured window per delivery; {results.conditions()}.",
            rows,
            _ROW_IN * (1.5 if len(parts) > 1 else 1),
        )
        high = max(value or 0.0 for row in rows for value in row.values)
        linear_from_zero(axes.xaxis, high, f"µs of CPU per {results.unit} and client")
        for at, row in enumerate(rows):
            for i, (part, value) in enumerate(zip(parts, row.values, strict=True)):
                middle = at + (i - (len(parts) - 1) / 2) * height
                _bar(axes, middle, 0.0, value or 0.0, part, 0.9 * height)
                _write(axes, value or 0.0, middle, "not measured" if value is None else digits(value))
        _key(figure, parts)
    sentences = [
        f"{row.name}: "
        + ", ".join(f"{part.label} {digits(value)} µs" for part, value in zip(parts, row.values, strict=True))
        for row in rows
    ]
    return Chart("cpu", title, "; ".join(sentences) + ".", figure)


def _measured(groups: Sequence[Series], candidates: tuple[_Part, ...]) -> tuple[list[_Part], list[_Row]]:
    pairs = [(series, point) for series in groups for point in series.points]
    parts = [part for part in candidates if any(part.read(point) is not None for _, point in pairs)]
    rows = []
    for series, point in pairs:
        shown = [series.parameter] if len(series.points) > 1 else []
        name = point_name(series.transport.label, point.parameters, shown)
        values = tuple(part.read(point) for part in parts)
        if any(value is not None for value in values):
            rows.append(_Row(name, label_colour(series.transport), values))
    return parts, rows


def _frame(title: str, subtitle: str, rows: list[_Row], row_in: float) -> tuple[Figure, Axes]:
    left_in = (max(text_size(row.name, _NAME_POINTS)[0] for row in rows) + 16) / POINTS_PER_IN
    margins = Margins(left=left_in, right=0.95, top=_KEY_IN)
    figure, grid = framed(title, subtitle, row_in * len(rows) + 0.1, margins)
    axes = grid[0][0]
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_yticks(range(len(rows)), [row.name for row in rows], fontsize=_NAME_POINTS)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    for tick, row in zip(axes.get_yticklabels(), rows, strict=True):
        tick.set_color(row.colour)
    return figure, axes


def _stack(axes: Axes, at: float, row: _Row, parts: list[_Part]) -> None:
    start = 0.0
    for part, value in zip(parts, row.values, strict=True):
        _bar(axes, at, start, value or 0.0, part, 0.62)
        start += value or 0.0


def _bar(axes: Axes, at: float, start: float, width: float, part: _Part, height: float) -> None:
    edge = LIGHT.shade_2 if part.hatch else LIGHT.background
    axes.barh(
        at,
        width,
        left=start,
        height=height,
        color=part.colour,
        hatch=part.hatch,
        edgecolor=edge,
        linewidth=0.5,
        zorder=3,
    )


def _write(axes: Axes, x: float, at: float, text: str) -> None:
    axes.annotate(text, (x, at), xytext=(4, 0), textcoords="offset points", va="center", size=8, color=LIGHT.ink)


def _key(figure: Figure, parts: list[_Part]) -> None:
    top = figure.axes[0].get_position().y1 * figure.get_size_inches()[1]
    handles = [Patch(facecolor=part.colour, hatch=part.hatch, edgecolor=LIGHT.shade_2, linewidth=0.5) for part in parts]
    draw_key(figure, [(handle, part.label) for handle, part in zip(handles, parts, strict=True)], top + 0.28)
