"""A chart of the deviation of measured values from the model on the trials' own schedules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from analysis.charts.canvas import Chart, Margins, drawing, framed, linear_from_zero, log_latency
from analysis.charts.style import LIGHT
from analysis.charts.transport_marks import draw_key, key_height_in, marker_handle, plot_style
from analysis.summary.results import Results
from contract.summary import Point
from contract.transports import TransportStyle
from terminal.wording import plural

BAND = 0.10
LEAST_MODEL_MS = 0.2
"""Below this, loopback's own delay is larger than the modelled one, and a ratio would mean nothing."""


@dataclass(frozen=True)
class _Deviation:
    transport: TransportStyle
    expected: float
    deviation: float
    """(measured − expected) / expected."""


def model_chart(results: Results) -> Chart | None:
    """Return the deviation of mean latency and requests per event from the own-schedule model, with a ±10 % band."""
    pairs_ms = [(point, point.model.mean_ms, point.latency_ms.mean) for point in results.points]
    latency = [found for found in _deviations(results, pairs_ms) if found.expected >= LEAST_MODEL_MS]
    counts = [(point, point.model.requests_per_event, point.requests_per_event) for point in results.points]
    requests = _deviations(results, counts)
    if not latency and not requests:
        return None
    title = "Measured against the model"
    panels = [panel for panel in (("mean latency", latency), ("requests per event", requests)) if panel[1]]
    present = {d.transport.name for _, deviations in panels for d in deviations}
    styles = [style for style in results.transports if style.name in present]
    key_in = key_height_in([style.label for style in styles])
    with drawing():
        figure, grid = framed(
            title,
            "(measured − model) / model for every point of the run; the model is evaluated on the trials' own "
            "schedules, nothing is fitted. Shaded: ±10 %.",
            2.9,
            Margins(left=0.75, right=0.3, bottom=0.5, top=0.45 + key_in, between_columns=0.8),
            columns=len(panels),
        )
        for axes, (name, deviations) in zip(grid[0], panels, strict=True):
            axes.set_title(name, size=8.5, color=LIGHT.ink, loc="left")
            _panel(axes, deviations, is_latency=name == "mean latency")
        top_in = grid[0][0].get_position().y1 * figure.get_size_inches()[1]
        draw_key(figure, [marker_handle(style) for style in styles], top_in + 0.33 + key_in)
    return Chart("model", title, _caption(panels, len(results.points)), figure)


def _deviations(results: Results, pairs: Sequence[tuple[Point, float | None, float | None]]) -> list[_Deviation]:
    """Return the deviations of measured figures; `pairs` has point, expected figure and measured figure."""
    # Without whiskers: intervals of measured values include the variance of the schedules, which the model shares.
    styles = {style.name: style for style in results.transports}
    return [
        _Deviation(styles[point.transport], expected, measured / expected - 1)
        for point, expected, measured in pairs
        if expected and measured is not None
    ]


def _panel(axes: Axes, deviations: Sequence[_Deviation], *, is_latency: bool) -> None:
    expected = [d.expected for d in deviations]
    if is_latency:
        log_latency(axes.xaxis, min(expected), max(expected), "model's mean latency")
    else:
        linear_from_zero(axes.xaxis, max(expected), "model's requests per event")
    reach = max(1.3 * BAND, *(1.15 * abs(d.deviation) for d in deviations))
    axes.set_ylim(-reach, reach)
    axes.yaxis.set_major_locator(MaxNLocator(7))
    axes.yaxis.set_major_formatter(FuncFormatter(_signed_percent))
    axes.axhspan(-BAND, BAND, color=LIGHT.band, zorder=0, linewidth=0)
    axes.axhline(0, color=LIGHT.ink, linewidth=0.8, zorder=2)
    names = list(dict.fromkeys(d.transport.name for d in deviations))
    for d in deviations:
        axes.plot(
            [d.expected], [d.deviation], **plot_style(d.transport, line=False, rank=names.index(d.transport.name))
        )


def _signed_percent(ratio: float, _: int | None = None) -> str:
    return "0 %" if abs(ratio) < 1e-9 else f"{100 * ratio:+.3g} %".replace("-", "−")


def _caption(panels: Sequence[tuple[str, Sequence[_Deviation]]], points: int) -> str:
    sentences = []
    for name, deviations in panels:
        worst = max(deviations, key=lambda d: abs(d.deviation))
        inside = sum(abs(d.deviation) <= BAND for d in deviations)
        sentences.append(
            f"{name.capitalize()}: {inside} of {plural(len(deviations), 'point')} within ±10 % of the model, the "
            f"farthest {worst.transport.label} at {_signed_percent(worst.deviation)}."
        )
    shown = {name: len(deviations) for name, deviations in panels}
    left_out = points - shown.get("mean latency", 0)
    if left_out:
        sentences.append(f"{plural(left_out, 'point')} with a model below {LEAST_MODEL_MS} ms not shown for latency.")
    return " ".join(sentences)
