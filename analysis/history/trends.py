"""Trends of the key figures of a scenario on a machine, and the runs whose figures left the expected band.

A band is the median of the newest ten runs since the last change, plus or minus the largest of 3 %, the noise floor,
0.2 ms for latencies (the margin of `make compare`), and the median half-width of those runs' own intervals. A run has
left the band if its whole interval lies outside; a new band begins with it. A trend is drawn as inline SVG that needs
no script.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from markupsafe import Markup

from analysis.compare.contrast import MARGIN_RATIO
from analysis.history.runs import ListedRun, PointOutline, SummaryOutline
from analysis.summary.noise_floor import figure_floor_ms
from analysis.summary.point_figures import POINT_FIGURES, PointFigure
from contract.points import agrees, agrees_but_for_server, point_name
from contract.summary import Interval
from contract.times import RESOLUTION_MS
from terminal.plain import plain

KEY_FIGURES = tuple(
    POINT_FIGURES[name]
    for name in (
        "latency_ms.p50",
        "latency_ms.p95",
        "requests_per_event",
        "bytes_per_event.total",
        "server_cpu_us_per_event",
    )
)
"""The figures of latency and cost that a report's first table compares."""
_RUNS_OF_A_BAND = 10


@dataclass(frozen=True)
class Measured:
    """A key figure in one run."""

    run: ListedRun
    value: float
    interval: Interval | None
    floor: float
    """The noise floor of the run, in the figure's unit; 0 if none is known for it."""

    @property
    def half_width(self) -> float:
        """Half the width of its interval; 0 without one."""
        return 0.0 if self.interval is None else (self.interval[1] - self.interval[0]) / 2


@dataclass(frozen=True)
class Step:
    """A key figure in one run, and the band that the runs before it let expect."""

    measured: Measured
    band: Interval | None
    """The range expected from the runs before it; None for the first one."""
    changed: bool
    """Whether its whole interval lies outside the band."""


@dataclass(frozen=True)
class Trend:
    """One key figure of one point over all runs that measured it, the oldest first."""

    transport: str
    """The transport's label, with its server if the scenario names several."""
    figure: PointFigure
    steps: tuple[Step, ...]


def trends(runs: Sequence[ListedRun]) -> Iterator[list[Trend]]:
    """Yield, for each base point of the newest usable run, a trend per key figure over these runs, the oldest first."""
    usable = [(run, run.summary) for run in runs if run.usable and run.summary is not None]
    if not usable:
        return
    newest = usable[-1][1]
    labels = {style.name: style.label for style in newest.transports}
    for like in _base_points(newest):
        points = [
            (run, summary, point)
            for run, summary in usable
            for point in [each for each in _base_points(summary) if _same(each, like)][:1]
        ]
        label = plain(point_name(labels.get(like.transport, like.transport), like.parameters, ["server"]))
        yield [Trend(label, figure, tuple(_steps(figure, _measured(points, figure)))) for figure in KEY_FIGURES]


def _base_points(summary: SummaryOutline) -> list[PointOutline]:
    """Return the valid points at the base parameters, on every server if the scenario names several."""
    bases = {point.transport: point.parameters for point in summary.points if point.base}
    return [
        point
        for point in summary.points
        if point.valid and point.transport in bases and agrees_but_for_server(point.parameters, bases[point.transport])
    ]


def _same(one: PointOutline, other: PointOutline) -> bool:
    """Return whether two points are the same by the parameters that both have."""
    return one.transport == other.transport and agrees(one.parameters, other.parameters)


def _measured(
    points: Sequence[tuple[ListedRun, SummaryOutline, PointOutline]], figure: PointFigure
) -> Iterator[Measured]:
    for run, summary, point in points:
        value, interval = figure.value(point), figure.stated_interval(point)
        if value is not None and all(map(math.isfinite, (value, *(interval or ())))):
            floor_ms = figure_floor_ms(summary.noise_floor, figure.name, point, point.trials)
            yield Measured(run, value, interval, floor_ms if floor_ms is not None and math.isfinite(floor_ms) else 0.0)


def _steps(figure: PointFigure, measured: Iterator[Measured]) -> Iterator[Step]:
    least = RESOLUTION_MS if figure.unit == "ms" else 0.0
    level: list[Measured] = []
    for each in measured:
        band = None
        if level:
            middle = median(earlier.value for earlier in level)
            own = median(earlier.half_width for earlier in level)
            width = max(MARGIN_RATIO * abs(middle), each.floor, own, least)
            band = (middle - width, middle + width)
        changed = band is not None and each.interval is not None and _apart(each.interval, band)
        level = [each] if changed else [*level[1 - _RUNS_OF_A_BAND :], each]
        yield Step(each, band, changed)


def _apart(one: Interval, other: Interval) -> bool:
    return one[0] > other[1] or one[1] < other[0]


_WIDTH, _HEIGHT, _EDGE = 140.0, 36.0, 4.0
MOST_RUNS = 40
"""The number of newest runs that a picture of this size can show."""


def sparkline(steps: Sequence[Step], label: str) -> Markup:
    """Return the picture of at least one step: band, values with their intervals, and a ring around each change."""
    shown = steps[-MOST_RUNS:]
    reach = [
        height
        for step in shown
        for height in (step.measured.value, *(step.measured.interval or ()), *(step.band or ()))
    ]
    low, high = min(reach), max(reach)
    middle, half = (low + high) / 2, max((high - low) / 2, 1e-3 * abs(high), 1e-9)

    def x(number: int) -> str:
        return _number(_EDGE + (_WIDTH - 2 * _EDGE) * (number + 0.5) / len(shown))

    def y(value: float) -> str:
        return _number(_HEIGHT / 2 - (_HEIGHT / 2 - _EDGE) * (value - middle) / half)

    def parts() -> Iterator[str]:
        banded = [(x(i), step.band) for i, step in enumerate(shown) if step.band]
        upper = [f"{at},{y(band[1])}" for at, band in banded]
        lower = [f"{at},{y(band[0])}" for at, band in reversed(banded)]
        if len(banded) > 1:
            yield f'<polygon class="band" points="{" ".join(upper + lower)}"/>'
        intervals = [(x(i), step.measured.interval) for i, step in enumerate(shown) if step.measured.interval]
        whiskers = "".join(f"M{at} {y(bounds[0])}V{y(bounds[1])}" for at, bounds in intervals)
        yield f'<path class="interval" d="{whiskers}"/>'
        values = [f"{x(i)},{y(step.measured.value)}" for i, step in enumerate(shown)]
        yield f'<polyline class="values" points="{" ".join(values)}"/>'
        for i, step in enumerate(shown):
            at = f'cx="{x(i)}" cy="{y(step.measured.value)}"'
            if step.changed:
                name = Markup.escape(step.measured.run.name)
                yield f'<circle class="change" {at} r="3.5"><title>{name}</title></circle>'
            elif i == len(shown) - 1:
                yield f'<circle class="newest" {at} r="2.2"/>'

    box = f'viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}" width="{_WIDTH:g}" height="{_HEIGHT:g}"'
    return Markup(
        f'<svg class="sparkline" role="img" aria-label="{Markup.escape(label)}" {box}>{"".join(parts())}</svg>'
    )


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
