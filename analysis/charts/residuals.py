"""A chart of the residuals (latency − model) of single deliveries of all points against the model's latency."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter

from analysis.charts.canvas import Chart, Margins, drawing, framed, log_latency
from analysis.charts.raw_records import Residuals
from analysis.charts.style import LIGHT
from analysis.charts.transport_marks import label_colour
from analysis.formatting import count, milliseconds, percent
from analysis.summary.model_deviations import TOLERANCE_MS, TOLERANCE_RATIOS

MOST_DOTS = 4000
LEAST_MODEL_MS = 0.2
"""As in `model_fit`: below this, loopback's own delay is larger than the modelled one."""
_LINEAR_MS = 1.0
"""The residual axis is linear within this, logarithmic beyond."""
_PLOT_IN = 3.1
_BAND_PLACES = 200


def residuals_chart(found: list[Residuals]) -> Chart | None:
    """Return one panel per transport with a dot per delivery; None if there is nothing to show."""
    shown = [own for own in found if len(own.predicted_ms) and float(own.predicted_ms.max()) >= LEAST_MODEL_MS]
    if not shown:
        return None
    title = "Every delivery against the model on its trial's own schedule"
    per_panel = MOST_DOTS // len(shown)
    columns = 2 if len(shown) > 1 else 1
    rows = -(-len(shown) // columns)
    with drawing():
        figure, grid = framed(
            title,
            "Latency − model of single deliveries, all points of the run. Shaded: within 0.5 ms or 2 % of the "
            "model. A poll that meets another event than in the model is off by about its turn, to either side.",
            _PLOT_IN if rows > 1 else 0.62 * _PLOT_IN,
            Margins(left=1.0, right=0.25, between_columns=0.35, between_rows=0.35),
            rows=rows,
            columns=columns,
            share=True,
        )
        panels = [axes for row in grid for axes in row]
        log_latency(
            panels[0].xaxis,
            max(min(float(own.predicted_ms.min()) for own in shown), LEAST_MODEL_MS),
            max(float(own.predicted_ms.max()) for own in shown),
            "latency by the model",
        )
        _residual_axis(panels[0], max(float(np.abs(own.residual_ms).max()) for own in shown))
        for axes, own in zip(panels, shown, strict=False):
            _panel(axes, own.thinned(per_panel))
        for spare in panels[len(shown) :]:
            spare.set_visible(False)
        for number, axes in enumerate(panels[: len(shown)]):
            bottom = number + columns >= len(shown)
            axes.tick_params(labelbottom=bottom, labelleft=number % columns == 0)
            axes.set_xlabel("latency by the model (log scale)" if bottom else "")
        middle = (panels[0].get_position().y1 + panels[-1].get_position().y0) / 2
        figure.text(0.017, middle, "latency − model", rotation=90, va="center", color=LIGHT.muted)
    return Chart("residuals", title, " ".join(_sentence(own) for own in shown), figure)


def _panel(axes: Axes, own: Residuals) -> None:
    band_ms = np.geomspace(*axes.get_xlim(), _BAND_PLACES)
    width_ms = np.maximum(TOLERANCE_MS, TOLERANCE_RATIOS["mean_ms"] * band_ms)
    axes.fill_between(band_ms, -width_ms, width_ms, color=LIGHT.band, zorder=0, linewidth=0)
    axes.axhline(0, color=LIGHT.ink, linewidth=0.8, zorder=2)
    axes.plot(
        own.predicted_ms,
        own.residual_ms,
        linestyle="none",
        marker="o",
        markersize=2.2,
        markeredgewidth=0,
        alpha=0.5,
        color=own.transport.colour.lower(),
        zorder=3,
    )
    axes.set_title(own.transport.label, size=8.5, weight="bold", color=label_colour(own.transport), loc="left", pad=3)


def _residual_axis(axes: Axes, reach_ms: float) -> None:
    axes.set_yscale("symlog", linthresh=_LINEAR_MS, linscale=0.8)
    decades = [10.0**power for power in range(6) if 10.0**power <= 1.3 * reach_ms] or [_LINEAR_MS]
    ticks = [-tick for tick in reversed(decades)] + [0.0] + decades
    top = max(1.3 * reach_ms, 1.5 * _LINEAR_MS)
    axes.set_ylim(-top, top)
    axes.yaxis.set_major_locator(FixedLocator(ticks))
    axes.yaxis.set_major_formatter(FuncFormatter(_signed_milliseconds))
    axes.yaxis.set_minor_locator(FixedLocator([]))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _signed_milliseconds(value_ms: float, _: int | None = None) -> str:
    return "0" if value_ms == 0 else f"{'−' if value_ms < 0 else '+'}{milliseconds(abs(value_ms))}"


def _sentence(own: Residuals) -> str:
    within = np.abs(own.residual_ms) <= np.maximum(TOLERANCE_MS, TOLERANCE_RATIOS["mean_ms"] * own.predicted_ms)
    return (
        f"{own.transport.label}: median {_signed_milliseconds(round(float(np.median(own.residual_ms)), 2))}, "
        f"{percent(float(within.mean()))} of {count(len(within))} deliveries within 0.5 ms or 2 %."
    )
