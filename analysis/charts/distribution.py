"""The whole distribution of latency per transport, the model dashed over it."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from analysis.charts.canvas import Chart, Margins, drawing, framed, log_latency, nielsen_guides
from analysis.charts.marks import label_colour
from analysis.charts.raw import BaseTrials
from analysis.distribution import NS_PER_MS, quantiles_ms
from analysis.latency import Floats
from analysis.long_columns import Times, ascending, joined
from analysis.quantities import milliseconds
from analysis.series import Results
from analysis.style import LIGHT

MOST_STEPS = 400
"""Points of a drawn curve: quantiles at equal shares of the deliveries."""
_COLUMNS = 2
_ROW_IN = 1.75


def distribution_chart(results: Results, groups: list[BaseTrials]) -> Chart | None:
    """Share of deliveries later than a latency (ECCDF), all trials at the base point pooled, one panel a transport."""
    curves = [(group, _pooled(group), _pooled_model(group)) for group in groups]
    curves = [entry for entry in curves if len(entry[1])]
    if not curves:
        return None
    name = results.latency_name
    title = f"Share of deliveries still outstanding after a given {'time' if not results.round_trip else 'round trip'}"
    columns = min(_COLUMNS, len(curves))
    rows = math.ceil(len(curves) / columns)
    with drawing():
        figure, grid = framed(
            title, f"Pooled deliveries of all trials at the base point; dashed: model on the same schedules; grey: the "
            f"other transports; {results.conditions()}.", _ROW_IN * rows + 0.3 * (rows - 1),
            Margins(left=0.75, right=0.3, top=0.32, between_rows=0.42, between_columns=0.35),
            rows=rows, columns=columns, share=True,
        )  # fmt: skip
        panels = [axes for row in grid for axes in row]
        ends = [float(values[i]) / NS_PER_MS for _, *both in curves for values in both if len(values) for i in (0, -1)]
        log_latency(panels[0].xaxis, max(min(ends), 1e-3), max(ends), name)
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
    sentences = [
        f"{group.transport.label}: half of the deliveries within {milliseconds(half)}, 99 % within {milliseconds(most)}"
        for group, (half, most) in ((group, quantiles_ms(values, (0.5, 0.99))) for group, values, _ in curves)
    ]
    return Chart("distribution", title, f"{'; '.join(sentences)}. Dashed: the model on the same schedules.", figure)


def _pooled(group: BaseTrials) -> Times:
    return ascending(joined([measured.latency_ns for measured in group.measured]))


def _pooled_model(group: BaseTrials) -> Times:
    return ascending(joined([measured.predicted_ns for measured in group.measured]))


def _panel(axes: Axes, curves: list[tuple[BaseTrials, Times, Times]], own: int) -> None:
    for i, (_, values, _) in enumerate(curves):
        if i != own:
            axes.plot(*_eccdf(values), color=LIGHT.faint, linewidth=1.0, zorder=2)
    group, values, model = curves[own]
    axes.plot(*_eccdf(values), color=group.transport.colour.lower(), linewidth=2.4, zorder=3)
    if len(model):
        axes.plot(*_eccdf(model), color=LIGHT.ink, linewidth=0.9, dashes=(4, 2), zorder=4)
    axes.set_title(
        group.transport.label, size=8.5, weight="bold", color=label_colour(group.transport), loc="left", pad=4
    )


def _eccdf(ordered_ns: Times) -> tuple[Floats, Floats]:
    """x in ms and share of `ordered_ns` above x, both ends included, at no more than MOST_STEPS places."""
    last = len(ordered_ns) - 1
    chosen = np.unique(np.linspace(0, last, min(MOST_STEPS, len(ordered_ns))).astype(np.int64))
    share = 1 - (chosen + 1) / len(ordered_ns)
    return ordered_ns[np.append(0, chosen)] / NS_PER_MS, np.concatenate([[1.0], share])
