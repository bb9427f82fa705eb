"""How each transport scales with the number of clients: knee, slopes, laws of saturation, and costs per client.

Everything is computed from one transport's points that differ only in `clients`. No fit uses an invalid point, and no
knee lies beyond one. docs/method/scale.md states every definition.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.models.model import Conditions
from analysis.models.registry import MODELS
from analysis.statistics.inference import estimate
from contract.summary import Estimate, Further, FurtherCosts, Knee, Point, Reach, ScalingLaw, Slopes, TransportScaling
from contract.transports import TransportStyle

DEFAULT_P99_BOUND_MS = 100.0
"""Limit within the knee of the time for an event to reach 99 % of the clients, less the model's: Nielsen's limit for an
instantaneous response."""
LEAST_VALUES, LEAST_RANGE = 3, 10.0
"""Least numbers of clients, and least ratio of the largest to the smallest, for a statement on scaling."""
FLAT_RATIO = 0.2
_MS_PER_US = 1e-3


@dataclass(frozen=True)
class ScalePoint:
    """One transport at one number of clients."""

    point: Point
    reach_ms: Reach
    mean_excess_ms: Mapping[int, float]
    """Mean latency above the model on the trial's own schedule, by block."""
    max_excess_ms: Mapping[int, float]

    @property
    def clients(self) -> int:
        """The number of clients."""
        return self.point.parameters.clients


def wide_enough(clients: Sequence[int]) -> bool:
    """Return whether these numbers of clients are enough, and far enough apart, for a statement on scaling."""
    distinct = {*clients}
    return len(distinct) >= LEAST_VALUES and max(distinct) >= LEAST_RANGE * min(distinct)


def scaling(style: TransportStyle, points: Sequence[ScalePoint], bound_ms: float) -> TransportScaling:
    """Return the entry of one transport in the summary's `scaling`; `points` ascend in clients."""
    valid = [entry for entry in points if entry.point.valid]
    return TransportScaling(
        clients=tuple(entry.clients for entry in points),
        knee=knee(points, bound_ms),
        slope_us_per_client=Slopes(
            mean=_slope(valid, lambda entry: entry.mean_excess_ms),
            max=_slope(valid, lambda entry: entry.max_excess_ms),
        ),
        law=law(style, valid[-1].point) if valid else None,
        further=FurtherCosts(
            server_cpu_us_per_event=_further(valid, _total(lambda point: point.server_cpu_us_per_event)),
            load_cpu_us_per_event=_further(valid, _total(lambda point: point.load_cpu_us_per_event)),
            server_rss_bytes_per_client=_further(valid, lambda point: point.server_connected_rss_bytes),
            load_rss_bytes_per_client=_further(valid, lambda point: point.load_connected_rss_bytes),
        ),
    )


def knee(points: Sequence[ScalePoint], bound_ms: float) -> Knee:
    """Return the largest number of clients up to which, all smaller ones included, `excess_p99_ms` ≤ the bound.

    `position`: `between` that and `next_clients`, which exceeds it; `beyond` the largest measured; `below` the
    smallest; `unknown` if the next one is not valid, so that it shows nothing.
    """
    within = None
    for entry in points:
        if not entry.point.valid:
            return Knee(within, "unknown", entry.clients)
        if excess_p99_ms(entry.reach_ms) > bound_ms:
            return Knee(within, "below" if within is None else "between", entry.clients)
        within = entry.clients
    return Knee(within, "beyond", None)


def excess_p99_ms(reach: Reach) -> float:
    """Return the time for an event to reach 99 % of the clients less the model's, ms.

    It is a mean over events, which are too few for a p99 of the pooled deliveries.
    """
    return reach.p99 - reach.model_p99


def least_squares_slope(clients: Sequence[int], values: Sequence[float]) -> float:
    """Return the slope of the least-squares line through (clients, values), for at least two clients."""
    return float(np.polyfit(clients, values, 1)[0])


def law(style: TransportStyle, point: Point) -> ScalingLaw | None:
    """Return the model's law of saturation, from the server's CPU time per delivery or request at this point.

    `service_us` is that time, and `per` its unit of work. With `saturated_at_clients` clients the server's cores, one
    per process, are full. For push, the fan-out law gives the slopes; for long polls, `cycle_ms` is the time in which a
    server that does nothing else answers all clients once. None if the server's CPU time is not known, or there is no
    formula.
    """
    formula, service_us = MODELS[style.model].law, point.server_cpu_us_per_event
    if formula is None or not service_us:
        return None
    if formula.per == "request":
        if not point.requests_per_event:
            return None
        service_us /= point.requests_per_event
    parameters = point.parameters
    conditions = Conditions.of_point(parameters, style)
    # A server of several processes distributes its clients among them: each serves that part of a broadcast.
    clients, service_s = parameters.clients, service_us / 1e6 / parameters.server_processes
    return ScalingLaw(
        service_us=service_us,
        per=formula.per,
        mean_slope_us=_broadcast_slope_us(formula.broadcast_mean_s, service_s),
        max_slope_us=_broadcast_slope_us(formula.broadcast_max_s, service_s),
        saturated_at_clients=formula.saturated_at_clients(conditions, service_s),
        cycle_ms=None if formula.cycle_s is None else 1000 * formula.cycle_s(clients, service_s),
    )


def _broadcast_slope_us(latency_s: Callable[[int, float, float], float] | None, send_cost_s: float) -> float | None:
    """Return what one more client adds to a broadcast's latency; None if events are not broadcast."""
    return None if latency_s is None else (latency_s(2, send_cost_s, 0.0) - latency_s(1, send_cost_s, 0.0)) * 1e6


def _slope(points: Sequence[ScalePoint], read: Callable[[ScalePoint], Mapping[int, float]]) -> Estimate | None:
    """Return the mean of the least-squares slopes of blocks that have all points, with its interval."""
    if len(points) < LEAST_VALUES:
        return None
    blocks = sorted(set.intersection(*(set(read(entry)) for entry in points)))
    if not blocks:
        return None
    clients = [entry.clients for entry in points]
    slopes = [least_squares_slope(clients, [read(entry)[block] for entry in points]) / _MS_PER_US for block in blocks]
    return estimate(float(np.mean(slopes)), slopes)


def _total(read: Callable[[Point], float | None]) -> Callable[[Point], float | None]:
    """Return a function that reads the CPU time of one event, all its deliveries together."""

    def of(point: Point) -> float | None:
        per_delivery = read(point)
        return None if per_delivery is None else per_delivery * point.parameters.clients

    return of


def further_cost(clients: Sequence[int], totals: Sequence[float]) -> Further:
    """Compute the cost of one more client in the lower and in the upper half of the range, on a logarithmic scale.

    `totals` are the costs at three or more ascending numbers of clients; constant costs cancel out.
    """
    middle = math.sqrt(clients[0] * clients[-1])
    split, last = min(range(1, len(clients) - 1), key=lambda i: abs(math.log(clients[i] / middle))), len(clients) - 1

    def between(low: int, high: int) -> float:
        return (totals[high] - totals[low]) / (clients[high] - clients[low])

    lower, upper = between(0, split), between(split, last)
    ratio = upper / lower if lower > 0 else None
    return Further(
        lower=lower,
        upper=upper,
        from_clients=clients[0],
        split_at_clients=clients[split],
        to_clients=clients[last],
        ratio=ratio,
        flat=ratio is not None and abs(ratio - 1) <= FLAT_RATIO,
    )


def _further(points: Sequence[ScalePoint], total: Callable[[Point], float | None]) -> Further | None:
    known = [(entry.clients, value) for entry in points if (value := total(entry.point)) is not None]
    if not wide_enough([clients for clients, _ in known]):
        return None
    return further_cost([clients for clients, _ in known], [value for _, value in known])
