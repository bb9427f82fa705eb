"""A chart of the share of time for which clients' views are older than a given age."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter

from analysis.charts.canvas import Chart, Margins, drawing, framed, linear_from_zero, log_latency, nielsen_guides
from analysis.charts.raw_records import BaseTrials
from analysis.charts.transport_marks import draw_key, key_height_in, plot_style
from analysis.formatting import percent
from analysis.summary.results import Results
from analysis.trial.freshness import ViewAges, pooled_ages
from contract.transports import TransportStyle

_PLACES = 400
"""The number of ages at which a curve is computed exactly; lines connect them."""
_DEPTH = 20.0
"""The axis begins at this fraction of the smallest of the transports' greatest ages."""
_LEAST_AGE_MS = 0.05
_PLOT_IN = 2.6


def freshness_chart(results: Results, groups: list[BaseTrials]) -> Chart | None:
    """Return the share of time for which views were older than an age, over all trials at the base point."""
    curves = [(group.transport, pooled_ages(group.ages)) for group in groups if group.ages]
    curves = [(transport, ages) for transport, ages in curves if len(ages)]
    if not curves:
        return None
    title = "For how much of the time a client's view is out of date"
    names = [transport.label for transport, _ in curves]
    with drawing():
        figure, grid = framed(
            title,
            "Age: time since the oldest event was due that the client has not got yet, 0 while it has them all; "
            f"{results.conditions()}.",
            _PLOT_IN,
            Margins(left=0.85, right=0.3, top=0.25 + key_height_in(names)),
        )
        axes = grid[0][0]
        greatest = [ages.greatest_ms for _, ages in curves]
        low_ms = max(min(greatest) / _DEPTH, _LEAST_AGE_MS)
        log_latency(axes.xaxis, low_ms, max(*greatest, 2 * low_ms), "age of the view")
        ages_ms = np.geomspace(*axes.get_xlim(), _PLACES)
        shares = [ages.older_than(ages_ms) for _, ages in curves]
        linear_from_zero(axes.yaxis, max(float(share.max()) for share in shares), "share of time older than this")
        axes.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:.3g} %"))
        for (transport, _), share in zip(curves, shares, strict=True):
            axes.plot(ages_ms, share, **_line(transport))
        nielsen_guides(axes, vertical=True)
        top_in = axes.get_position().y1 * figure.get_size_inches()[1]
        handles = [(Line2D([], [], **_line(transport)), transport.label) for transport, _ in curves]
        draw_key(figure, handles, top_in + 0.11 + key_height_in(names))
    return Chart("freshness", title, f"{'; '.join(_sentence(*curve) for curve in curves)}.", figure)


def _line(transport: TransportStyle) -> dict[str, Any]:
    return {**plot_style(transport), "marker": "", "clip_on": True}


def _sentence(transport: TransportStyle, ages: ViewAges) -> str:
    tenth, second = ages.older_than([100.0, 1000.0]).tolist()
    return f"{transport.label}: older than 100 ms for {percent(tenth)} of the time, than 1 s for {percent(second)}"
