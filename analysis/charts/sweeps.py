"""Charts against one parameter of the scenario: latency, requests, and for the number of clients also CPU."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes

from analysis.charts.canvas import Chart, Margins, drawing, framed, linear_from_zero, log_latency, nielsen_guides
from analysis.charts.labels import Label, label_ends
from analysis.charts.style import LIGHT
from analysis.charts.transport_marks import (
    STATISTICS,
    closed_form_curve,
    label_colour,
    plot_style,
    series_values,
    whiskers,
)
from analysis.formatting import change, listed, milliseconds
from analysis.formatting import figure as digits
from analysis.summary.results import (
    Quantity,
    Results,
    Series,
    common_statistic,
    latency_quantity,
    points_of,
    reported_quantity,
)
from contract.points import parameter_name, parameter_title, parameter_value

_TWO_PANELS = Margins(left=0.85, right=1.05, bottom=0.5, top=0.35, between_columns=1.05)
_ONE_PANEL = Margins(left=0.85, right=1.2, bottom=0.5)
_PLOT_IN = 3.0
_REQUESTS = reported_quantity("requests_per_event")
_SERVER_CPU = Quantity(lambda point: point.server_cpu_ratio, lambda _: None)


def latency_against(results: Results, parameter: str) -> Chart | None:
    """Return median and 95th percentile of latency against a swept parameter.

    The mean replaces a statistic for which some points have too few events.
    """
    groups = results.swept(parameter)
    if not groups:
        return None
    name, shown = results.latency_name, _shown(groups, ("p50",), ("p95",))
    title = f"{name.capitalize()} against {parameter_title(parameter)}"
    with drawing():
        figure, grid = framed(
            title,
            f"{_in_words(shown)} of {name}; {results.conditions(without=parameter)}.",
            _PLOT_IN,
            _TWO_PANELS if len(shown) > 1 else _ONE_PANEL,
            columns=len(shown),
        )
        for axes, statistic in zip(grid[0], shown, strict=True):
            _latency_panel(axes, groups, statistic, name, shown)
        _share_scale(grid[0])
    return Chart(f"latency-against-{parameter.replace('_', '-')}", title, _latency_caption(groups, shown), figure)


def requests_against(results: Results, parameter: str) -> Chart | None:
    """Return requests per event against a swept parameter, with the closed form as a thin line."""
    groups = [series for series in results.swept(parameter) if series.known(_REQUESTS.value)]
    if not groups or results.round_trip:
        return None
    title = f"Requests for each event against {parameter_title(parameter)}"
    with drawing():
        figure, grid = framed(
            title,
            f"Requests sent per event and client; dashed lines: closed form; {results.conditions(without=parameter)}.",
            _PLOT_IN,
            _ONE_PANEL,
        )
        axes = grid[0][0]
        _parameter_axis(axes, groups)
        measured = [y for series in groups for y in series.known(_REQUESTS.value)]
        bounds = [high for series in groups for _, high in series.known(_REQUESTS.ci95)]
        reach = min(max([*measured, *bounds]), 1.3 * max(measured))
        linear_from_zero(axes.yaxis, reach, "requests per event and client")
        for series in groups:
            _model_line(axes, series)
        _lines(axes, groups, _REQUESTS, joined=False)
    sentences = [
        f"{series.transport.label} {change(digits(ys[0]), digits(ys[-1]))}"
        for series in groups
        for ys in [series.known(_REQUESTS.value)]
    ]
    span = _span(groups)
    caption = f"Requests per event {span}: {'; '.join(sentences)}. Dashed lines are the closed form, not fitted."
    return Chart(f"requests-against-{parameter.replace('_', '-')}", title, caption, figure)


def scaling_chart(results: Results) -> Chart | None:
    """Return median, tail and the server's CPU against the number of clients; the mean if there are too few events."""
    groups = results.swept("clients")
    if not groups:
        return None
    title = "How each transport scales with clients"
    cpu_groups = [series for series in groups if len(series.known(_SERVER_CPU.value)) > 1]
    shown = _shown(groups, ("p50",), ("p99", "p95"))
    panels = len(shown) + bool(cpu_groups)
    margins = Margins(left=0.85, right=0.95, bottom=0.5, top=0.35, between_columns=0.65)
    with drawing():
        figure, grid = framed(
            title,
            f"{_in_words(shown)} of {results.latency_name}, and CPU of the server; "
            f"{results.conditions(without='clients')}.",
            _PLOT_IN,
            margins,
            columns=panels,
        )
        for axes, statistic in zip(grid[0], shown, strict=False):
            _latency_panel(axes, groups, statistic, results.latency_name, shown, labelled=False)
        _share_scale(grid[0][: len(shown)])
        if cpu_groups:
            axes = grid[0][-1]
            axes.set_title("server CPU", size=8.5, color=LIGHT.ink, loc="left")
            _parameter_axis(axes, groups)
            high = max(y for series in cpu_groups for y in series.known(_SERVER_CPU.value))
            linear_from_zero(axes.yaxis, high, "CPU time / wall time (1 = one core)")
            _lines(axes, cpu_groups, _SERVER_CPU)
        else:
            label_ends(grid[0][-1], _end_labels(groups, latency_quantity(shown[-1])))
    return Chart("scaling", title, _latency_caption(groups, shown), figure)


def _shown(groups: Sequence[Series], *panels: Sequence[str]) -> list[str]:
    """Return the first statistic of each panel that all points have, without repetition."""
    return list(dict.fromkeys(common_statistic(points_of(groups), *names) for names in panels))


def _in_words(statistics: Sequence[str]) -> str:
    return listed([STATISTICS[name] for name in statistics]).capitalize()


def _latency_panel(
    axes: Axes, groups: Sequence[Series], statistic: str, name: str, range_of: Sequence[str], *, labelled: bool = True
) -> None:
    shown = [y for series in groups for q in range_of for y in series.known(latency_quantity(q).value)]
    axes.set_title(STATISTICS[statistic], size=8.5, color=LIGHT.ink, loc="left")
    _parameter_axis(axes, groups)
    log_latency(axes.yaxis, min(shown), max(shown), name)
    nielsen_guides(axes, vertical=False)
    _lines(axes, groups, latency_quantity(statistic), labelled=labelled)


def _share_scale(panels: Sequence[Axes]) -> None:
    for axes in panels[1:]:
        axes.set_ylabel("")
        axes.tick_params(axis="y", labelleft=False)


def _parameter_axis(axes: Axes, groups: Sequence[Series]) -> None:
    parameter = groups[0].parameter
    high = max(point.parameters[parameter] for series in groups for point in series.points)
    linear_from_zero(axes.xaxis, high, parameter_name(parameter))
    axes.set_xlim(0, high * 1.03)


def _lines(
    axes: Axes, groups: Sequence[Series], quantity: Quantity, *, labelled: bool = True, joined: bool = True
) -> None:
    for series in groups:
        xs, ys = series_values(series, quantity.value)
        axes.plot(xs, ys, **plot_style(series.transport, line=joined))
        bounds = [quantity.ci95(point) for point in series.points if quantity.value(point) is not None]
        whiskers(axes, xs, ys, bounds, series.transport.colour)
    if labelled:
        label_ends(axes, _end_labels(groups, quantity))


def _end_labels(groups: Sequence[Series], quantity: Quantity) -> list[Label]:
    labels = []
    for series in groups:
        xs, ys = series_values(series, quantity.value)
        if xs:
            labels.append(Label(xs[-1], ys[-1], series.transport.label, label_colour(series.transport)))
    return labels


def _model_line(axes: Axes, series: Series) -> None:
    curve = closed_form_curve(series, lambda expectation: expectation.requests_per_event)
    axes.plot([x for x, _ in curve], [y for _, y in curve], color=LIGHT.ink, linewidth=0.9, dashes=(4, 2), zorder=2)


def _latency_caption(groups: Sequence[Series], statistics: Sequence[str]) -> str:
    sentences = []
    for series in groups:
        moves = []
        for statistic in statistics:
            ys = series.known(latency_quantity(statistic).value)
            moves.append(f"{statistic} {change(milliseconds(ys[0]), milliseconds(ys[-1]))}")
        sentences.append(f"{series.transport.label}: {', '.join(moves)}")
    sentence = f"{_span(groups).capitalize()}: {'; '.join(sentences)}"
    return f"{sentence}. Figures are those of the tables; whiskers are 95 % intervals."


def _span(groups: Sequence[Series]) -> str:
    parameter = groups[0].parameter
    values = sorted({point.parameters[parameter] for series in groups for point in series.points})
    return f"from {parameter_value(parameter, values[0])} to {parameter_value(parameter, values[-1])}"
