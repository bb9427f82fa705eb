"""The figures of a point that have an interval and a value for each trial, for comparisons, budgets and exports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from analysis.statistics import inference
from analysis.statistics.distribution import spread_of
from analysis.summary.corrections import Estimate
from analysis.summary.few_waits import DEPEND_ON_WAITS
from analysis.summary.pooled_costs import least_spread, per_block
from analysis.summary.pooled_latency import with_latency
from analysis.summary.results import MeasuredPoint, reported
from analysis.trial.measures import TrialMeasures
from contract.summary import Point

_BLOCK = "block"
_TIMES = frozenset({"ms", "s", "µs"})


@dataclass(frozen=True)
class PointFigure:
    """One figure of a point of the summary."""

    name: str
    """Its path in the point, such as `latency_ms.p95`, which is its name in budgets and exports."""
    label: str
    """The figure in words, without its unit."""
    unit: str
    """`ms`, `s`, `µs`, `bytes`, or nothing for a count or a share."""
    cost: str = ""
    """Its name in `analysis.summary.pooled_costs.FIGURES`; empty for a figure of the latencies."""
    timed: bool = False
    """Whether the figure is a time, so that a larger value is called slower instead of more."""
    estimate: str = ""
    """Its name among a point's `estimates`, from which value and interval are taken if the point has any; empty for
    other figures."""

    @property
    def title(self) -> str:
        """The label with the unit."""
        return f"{self.label}, {self.unit}" if self.unit else self.label

    def value(self, point: MeasuredPoint) -> float | None:
        """Return the figure of all trials together, as it is reported; None if it was not measured."""
        return reported(point, self.estimate)[0] if self.estimate else self._stated(point)

    def by_block(self, point: Point) -> dict[int, float]:
        """Return the figure of each trial that measured it, by block; empty for summaries that lack it."""
        recorded = point.by_block or {}
        pairs = zip(recorded.get(_BLOCK, ()), recorded.get(self.name, ()), strict=False)
        return {int(block): value for block, value in pairs if block is not None and value is not None}

    def spread(self, point: Point) -> inference.Spread:
        """Return its least spread between trials, and the factor by which its intervals are widened."""
        least = (point.least_spreads or {}).get(self.name, 0.0)
        statistic = self.name.rpartition(".")[2] if not self.cost else ""
        return replace(spread_of(statistic), least=least)

    def interval(self, point: Point, pilot_blocks: int | None = None) -> inference.Interval | None:
        """Return its 95 % interval: the summary's, or if there is none, that from the spread between trials.

        None if the summary withholds it, and with one trial.
        """
        bounds = self.stated_interval(point)
        if bounds is not None:
            return bounds
        value, trials = self.value(point), self.by_block(point)
        pilot = [each for block, each in trials.items() if pilot_blocks is None or block < pilot_blocks]
        if value is None or not pilot:
            return None
        possible = inference.SHARE if self.name.endswith("_ratio") else inference.AT_LEAST_ZERO
        found = inference.interval(value, pilot, len(trials) - len(pilot), self.spread(point))
        return inference.cut_off(found, value, possible)

    def stated_interval(self, point: MeasuredPoint) -> inference.Interval | None:
        """Return the 95 % interval that the summary states; None if it states none."""
        return reported(point, self.estimate)[1] if self.estimate else self._interval_beside(point)

    def computed_part(self, point: Point) -> float:
        """Return the part of its value that is longer on a slower machine: of a latency, what exceeds the network's.

        The whole of a CPU or set-up time, 0 for figures that are no times. The mean age of a view exceeds that of an
        infinitely fast machine by at most what the mean latency does.
        """
        value = self.value(point)
        if value is None or self.unit not in _TIMES:
            return 0.0
        part, _, statistic = self.name.rpartition(".")
        if part not in ("latency_ms", "freshness") or point.latency_ms is None:
            return value
        statistic = {"mean_age_ms": "mean", "p90": "p50", "p999": "p99"}.get(statistic, statistic)
        latency, network = getattr(point.latency_ms, statistic), getattr(point.model, f"{statistic}_ms")
        return value if latency is None or network is None else min(value, max(0.0, latency - network))

    def is_withheld(self, point: Point) -> bool:
        """Return whether the interval is withheld, because so few events wait that trials agree by chance."""
        return point.intervals_withheld is not None and not self.estimate and self.name in DEPEND_ON_WAITS

    def _stated(self, point: MeasuredPoint) -> float | None:
        """Return the value at its path in the point; None if a part of the path is None."""
        part, _, key = self.name.rpartition(".")
        holder = getattr(point, part) if part else point
        value: float | None = None if holder is None else getattr(holder, key)
        return value

    def _interval_beside(self, point: MeasuredPoint) -> inference.Interval | None:
        """Return the interval beside the value, or at the same path in the intervals beside its part."""
        part, _, key = self.name.rpartition(".")
        holder = getattr(point, part) if part else point
        beside = getattr(holder, f"{key}_ci95", None)
        if beside is None and part:
            beside = getattr(getattr(point, f"{part}_ci95", None), key, None)
        bounds: inference.Interval | None = beside
        return bounds


_QUANTILES = {
    "p50": "median",
    "p90": "90th percentile",
    "p95": "95th percentile",
    "p99": "99th percentile",
    "p999": "99.9th percentile",
}

POINT_FIGURES: dict[str, PointFigure] = {
    figure.name: figure
    for figure in (
        PointFigure("latency_ms.mean", "mean of latency", "ms", timed=True, estimate="mean_ms"),
        *(
            PointFigure(f"latency_ms.{name}", f"{label} of latency", "ms", timed=True)
            for name, label in _QUANTILES.items()
        ),
        PointFigure(
            "requests_per_event", "requests per event", "", "requests_per_event", estimate="requests_per_event"
        ),
        PointFigure(
            "requests_per_s", "requests per second and client", "", "requests_per_s", estimate="requests_per_s"
        ),
        PointFigure("empty_ratio", "share of empty polls", "", "empty_ratio"),
        PointFigure("bytes_per_event.total", "bytes per event", "bytes", "bytes_per_event"),
        PointFigure("bytes_per_event.up", "bytes per event, sent", "bytes", "bytes_per_event_up"),
        PointFigure("bytes_per_event.down", "bytes per event, received", "bytes", "bytes_per_event_down"),
        PointFigure("server_cpu_us_per_event", "server CPU per event", "µs", "server_cpu_us_per_event"),
        PointFigure("load_cpu_us_per_event", "load CPU per event", "µs", "load_cpu_us_per_event"),
        PointFigure("relay_cpu_us_per_event", "relay CPU per event", "µs", "relay_cpu_us_per_event"),
        PointFigure("server_connected_rss_bytes", "server memory, connected", "bytes", "server_connected_rss_bytes"),
        PointFigure("load_connected_rss_bytes", "load memory, connected", "bytes", "load_connected_rss_bytes"),
        PointFigure("server_rss_bytes_per_client", "server memory per client", "bytes", "server_rss_bytes_per_client"),
        PointFigure("load_rss_bytes_per_client", "load memory per client", "bytes", "load_rss_bytes_per_client"),
        PointFigure("freshness.mean_age_ms", "mean age of a view", "ms", "mean_age_ms", timed=True),
        PointFigure(
            "freshness.older_than_100_ms_ratio", "share of time over 100 ms old", "", "older_than_100_ms_ratio"
        ),
        PointFigure("freshness.older_than_1_s_ratio", "share of time over 1 s old", "", "older_than_1_s_ratio"),
        PointFigure("setup_ms.p50", "median of set-up", "ms", "setup_ms", timed=True),
        PointFigure("setup_bytes_per_client", "set-up bytes per client", "bytes", "setup_bytes_per_client"),
        PointFigure("time_to_connect_s", "time until all are connected", "s", "time_to_connect_s", timed=True),
    )
}
"""By name, in the order in which they are shown."""


def figures_by_block(
    trials: Sequence[TrialMeasures], point: Point, estimates: Mapping[str, Estimate]
) -> dict[str, tuple[float | None, ...]]:
    """Return the columns of `Point.by_block`: `block`, and for each figure the trials' values, None where unknown."""
    blocks = [trial.info.block for trial in trials]
    latencies = {trial.info.block: trial.latency_ms for trial in with_latency(trials) if trial.latency_ms is not None}
    columns: dict[str, tuple[float | None, ...]] = {_BLOCK: tuple(blocks)}
    for figure in POINT_FIGURES.values():
        if figure.value(point) is None or figure.is_withheld(point):
            continue
        if figure.estimate in estimates:
            found = estimates[figure.estimate].per_block
        elif figure.cost:
            found = per_block(trials, figure.cost)
        else:
            statistic = figure.name.rpartition(".")[2]
            found = {block: latency_ms[statistic] for block, latency_ms in latencies.items()}
        columns[figure.name] = tuple(found.get(block) for block in blocks)
    return columns


def least_spreads(trials: Sequence[TrialMeasures], point: Point, estimates: Mapping[str, Estimate]) -> dict[str, float]:
    """Return the least standard deviation between trials by figure, for figures that have one."""
    found = {}
    for figure in POINT_FIGURES.values():
        value = figure.value(point)
        if figure.estimate in estimates:
            found[figure.name] = estimates[figure.estimate].spread.least
        elif value is not None and figure.cost:
            found[figure.name] = least_spread(trials, figure.cost, value)
    return {name: least for name, least in found.items() if least}
