"""The figures of a report that have an interval, by their names in the benchmarks' tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeGuard

from analysis.formatting import interval
from analysis.summary.pairing import COSTS
from analysis.summary.results import PLAIN, latency_statistic, reported
from contract.summary import AgainstReference, CostDifference, Interval, LatencyDifference, Point

Read = Callable[[Point], tuple[float | None, Interval | None]]
"""A function from a point of a summary to one of its figures and the figure's interval."""


def _cost(name: str) -> Read:
    cost = COSTS[name]
    return lambda point: (cost.value(point), cost.ci95(point))


def _freshness(point: Point, name: str) -> tuple[float | None, Interval | None]:
    if point.freshness is None:
        return None, None
    return getattr(point.freshness, name), getattr(point.freshness, f"{name}_ci95")


def _difference(read: Callable[[AgainstReference], LatencyDifference | CostDifference | None]) -> Read:
    def of(point: Point) -> tuple[float | None, Interval | None]:
        found = None if point.against_reference is None else read(point.against_reference)
        return (None, None) if found is None else (found.value, found.ci95)

    return of


FIGURES: Mapping[str, Read] = {
    "mean": lambda point: latency_statistic(point, "mean"),
    "plain mean": PLAIN["mean_ms"],
    "p50": lambda point: latency_statistic(point, "p50"),
    "p95": lambda point: latency_statistic(point, "p95"),
    "requests per event": lambda point: reported(point, "requests_per_event"),
    "plain requests per event": PLAIN["requests_per_event"],
    "bytes per event": _cost("bytes_per_event"),
    "mean age of a view": _cost("mean_age_ms"),
    "view older than 100 ms": lambda point: _freshness(point, "older_than_100_ms_ratio"),
    "view older than 1 s": lambda point: _freshness(point, "older_than_1_s_ratio"),
    "empty polls": _cost("empty_ratio"),
    "server CPU per event": _cost("server_cpu_us_per_event"),
    "load CPU per event": _cost("load_cpu_us_per_event"),
    "set-up": _cost("setup_ms"),
    "bytes until ready": lambda point: (point.setup_bytes_per_client, point.setup_bytes_per_client_ci95),
    "server memory": _cost("server_connected_rss_bytes"),
    "server memory per client": lambda point: (
        point.server_rss_bytes_per_client,
        point.server_rss_bytes_per_client_ci95,
    ),
    "difference of the mean": _difference(lambda against: against.mean_difference_ms),
    "difference of the p50": _difference(lambda against: against.p50_difference_ms),
    "difference of the p95": _difference(lambda against: against.p95_difference_ms),
    "difference of server CPU": _difference(lambda against: against.costs["server_cpu_us_per_event"]),
    "difference of bytes": _difference(lambda against: against.costs["bytes_per_event"]),
}
"""The figures that a report prints with an interval."""


def is_printed(bounds: Interval | None) -> TypeGuard[Interval]:
    """Return whether a report prints this interval: one that exists and is not narrower than the digits shown."""
    return interval(bounds) != ""
