"""A chart of the whole distribution of latency per transport, with the model dashed over it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from analysis.charts.canvas import Chart, Margins, drawing, framed, log_latency, nielsen_guides
from analysis.charts.raw_records import BaseTrials
from analysis.charts.style import LIGHT
from analysis.charts.transport_marks import label_colour
from analysis.formatting import milliseconds
from analysis.statistics.distribution import (
    EVENTS_BEYOND,
    LATENCY_QUANTILES,
    NS_PER_MS,
    RARE_QUANTILES,
    least_events,
    quantiles_ms,
)
from analysis.summary.results import Results
from analysis.trial.latency import Floats
from contract.records import Ints
from contract.times import RESOLUTION_MS

MOST_STEPS = 400
"""The most points of a drawn curve: quantiles at equal shares of the deliveries."""
_COLUMNS = 2
_ROW_IN = 1.75


def distribution_chart(results: Results, groups: list[BaseTrials]) -> Chart | None:
    """Return a chart of the share of deliveries later than a latency (ECCDF), with one panel per transport.

    All trials at the base point are pooled. A curve ends where too few events for a quantile lie beyond it.
    """
    curves = [
        (
            group,
            _Curve.of([measured.latency_ns for measured in group.measured], _events(group)),
            _Curve.of([measured.predicted_ns for measured in group.measured], _events(group)),
        )
        for group in groups
    ]
    curves = [entry for entry in curves if len(entry[1].ordered_ns)]
    if not curves:
        return None
    name = results.latency_name
    title = f"Share of deliveries still outstanding after a given {'time' if not results.round_trip else 'round trip'}"
    columns = min(_COLUMNS, len(curves))
    rows = math.ceil(len(curves) / columns)
    with drawing():
        figure, grid = framed(
            title,
            f"Pooled deliveries of all trials at the base point; dashed: model on the same schedules; grey: the "
            f"other transports; {results.conditions()}.",
            _ROW_IN * rows + 0.3 * (rows - 1),
            Margins(left=0.75, right=0.3, top=0.32, between_rows=0.42, between_columns=0.35),
            rows=rows,
            columns=columns,
            share=True,
        )
        panels = [axes for row in grid for axes in row]
        measured, models = zip(*((measured, model) for _, measured, model in curves), strict=True)
        log_latency(panels[0].xaxis, *_extent_ms(measured, models), name)
        panels[0].set_ylim(0, 1)
        panels[0].yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:.0f} %"))
        for i, axes in enumerate(panels):
            if i >= len(curves):
                axes.set_axis_off()
                continue
            _panel(axes, curves, i)
            axes.tick_params(labelbottom=i + columns >= len(curves), labelleft=i % columns == 0)
            axes.set_xlabel(f"{name} (log scale)" if i + columns >= len(curves) else "")
            axes.set_ylabel("later than this" if i % columns == 0 else "")
            nielsen_guides(axes, vertical=True)
    sentences = [f"{group.transport.label}: {_in_words(group)}" for group, _, _ in curves]
    return Chart("distribution", title, f"{'; '.join(sentences)}. Dashed: the model on the same schedules.", figure)


def _extent_ms(measured: Sequence[_Curve], models: Sequence[_Curve]) -> tuple[float, float]:
    """Return the ends of the latency axis; a model's latencies too short to be measured do not lengthen it."""
    measured_ms, model_ms = (
        np.concatenate([curve.ordered_ns for curve in curves]) / NS_PER_MS for curves in (measured, models)
    )
    all_ms = np.concatenate([measured_ms, np.maximum(model_ms, RESOLUTION_MS)])
    return float(all_ms.min()), float(all_ms.max())


def _in_words(group: BaseTrials) -> str:
    """Return the median and the highest quantile with enough events, in words."""
    values = np.concatenate([measured.latency_ns for measured in group.measured])
    named = LATENCY_QUANTILES | RARE_QUANTILES
    shares = [share for share in named.values() if _events(group) >= least_events(share)]
    if not shares:
        return f"all deliveries within {milliseconds(float(values.max()) / NS_PER_MS)}"
    within = list(zip(shares, quantiles_ms(values, shares), strict=True))
    ends = dict([within[0], within[-1]])
    return ", ".join(f"{100 * share:g} % within {milliseconds(value)}" for share, value in ends.items())


def _events(group: BaseTrials) -> int:
    return sum(measured.events for measured in group.measured)


@dataclass(frozen=True)
class _Curve:
    ordered_ns: Ints
    """Latencies in ascending order, without the tail in which too few events lie."""
    total: int
    """The number of latencies, the tail included."""

    @classmethod
    def of(cls, columns: Sequence[Ints], events: int) -> _Curve:
        ordered_ns = np.sort(np.concatenate(columns))
        total = len(ordered_ns)
        return cls(ordered_ns[: math.ceil(total * max(0.0, 1 - EVENTS_BEYOND / max(events, 1)))], total)


def _panel(axes: Axes, curves: list[tuple[BaseTrials, _Curve, _Curve]], own: int) -> None:
    for i, (_, measured, _) in enumerate(curves):
        if i != own:
            axes.plot(*_eccdf(measured), color=LIGHT.faint, linewidth=1.0, zorder=2)
    group, measured, model = curves[own]
    axes.plot(*_eccdf(measured), color=group.transport.colour.lower(), linewidth=2.4, zorder=3)
    if len(model.ordered_ns):
        axes.plot(*_eccdf(model), color=LIGHT.ink, linewidth=0.9, dashes=(4, 2), zorder=4)
    axes.set_title(
        group.transport.label, size=8.5, weight="bold", color=label_colour(group.transport), loc="left", pad=4
    )


def _eccdf(curve: _Curve) -> tuple[Floats, Floats]:
    """Return latencies in ms and the share above each, both ends included, at no more than MOST_STEPS points."""
    ordered_ns = curve.ordered_ns
    chosen = np.unique(np.linspace(0, len(ordered_ns) - 1, min(MOST_STEPS, len(ordered_ns))).astype(np.int64))
    share = 1 - (chosen + 1) / curve.total
    return ordered_ns[np.append(0, chosen)] / NS_PER_MS, np.concatenate([[1.0], share])
