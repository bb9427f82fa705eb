"""How each transport scales with the number of clients: knee, slopes, laws beside them, and which costs stay flat.

Everything here is a function of one transport's points that differ in `clients` alone. No fit uses an invalid point,
and no knee lies beyond one. docs/method/scale.md states every definition.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.models.conditions import Conditions
from analysis.models.registry import MODELS
from analysis.statistics.estimates import estimate
from contract.parameters import Parameters
from contract.records import JsonObject
from contract.transports import TransportStyle

DEFAULT_P99_BOUND_MS = 100.0
"""How much later than by the model 99 % of the clients may have an event within the knee: Nielsen's limit for what is
perceived as instantaneous."""
LEAST_VALUES, LEAST_RANGE = 3, 10.0
"""Least numbers of clients, and least ratio of the largest to the smallest, for a statement on scaling."""
FLAT_RATIO = 0.2
_MS_PER_US = 1e-3


@dataclass(frozen=True)
class ScalePoint:
    """One transport at one number of clients."""

    point: JsonObject
    mean_excess_ms: Mapping[int, float]
    """Mean latency above the model on the trial's own schedule, by block."""
    max_excess_ms: Mapping[int, float]

    @property
    def clients(self) -> int:
        """The number of clients."""
        return int(self.point["parameters"]["clients"])


def wide_enough(clients: Sequence[int]) -> bool:
    """Return whether these numbers of clients are enough to show how something scales."""
    distinct = {*clients}
    return len(distinct) >= LEAST_VALUES and max(distinct) >= LEAST_RANGE * min(distinct)


def scaling(style: TransportStyle, points: Sequence[ScalePoint], bound_ms: float) -> JsonObject:
    """Return the entry of one transport in the summary's `scaling`; `points` ascend in clients."""
    valid = [entry for entry in points if entry.point["valid"]]
    return {
        "clients": [entry.clients for entry in points],
        "knee": knee(points, bound_ms),
        "slope_us_per_client": {
            "mean": _slope(valid, lambda entry: entry.mean_excess_ms),
            "max": _slope(valid, lambda entry: entry.max_excess_ms),
        },
        "law": law(style, valid[-1].point) if valid else None,
        "further": {
            "server_cpu_us_per_event": _further(valid, _total("server_cpu_us_per_event")),
            "load_cpu_us_per_event": _further(valid, _total("load_cpu_us_per_event")),
            "server_rss_bytes_per_client": _further(valid, lambda point: point["server_connected_rss_bytes"]),
            "load_rss_bytes_per_client": _further(valid, lambda point: point["load_connected_rss_bytes"]),
        },
    }


def knee(points: Sequence[ScalePoint], bound_ms: float) -> JsonObject:
    """Return the largest number of clients up to which, all smaller ones included, `excess_p99_ms` ≤ the bound.

    `position`: `between` that and `next_clients`, which exceeds it; `beyond` the largest measured; `below` the
    smallest; `unknown` if the next one is not valid, so that it shows nothing.
    """
    held = None
    for entry in points:
        if not entry.point["valid"]:
            return _knee(held, "unknown", entry.clients)
        if excess_p99_ms(entry.point) > bound_ms:
            return _knee(held, "below" if held is None else "between", entry.clients)
        held = entry.clients
    return _knee(held, "beyond", None)


def excess_p99_ms(point: JsonObject) -> float:
    """Return how much longer than by the model an event takes to reach 99 % of the clients.

    That is a mean over events: there are too few of them for a p99 of the pooled deliveries.
    """
    return float(point["reach_ms"]["p99"] - point["reach_ms"]["model_p99"])


def least_squares_slope(clients: Sequence[int], values: Sequence[float]) -> float:
    """Return the slope of the least-squares line through (clients, values), for at least two clients."""
    return float(np.polyfit(clients, values, 1)[0])


def law(style: TransportStyle, point: JsonObject) -> JsonObject | None:
    """Return the model's law of saturation, from the server's CPU time per delivery or request at this point.

    `service_us` is that time, `per` what it is for. `saturated_at_clients` is where it fills the server's cores, one
    per process. For push, the fan-out law gives the slopes; for long polls, `cycle_ms` is how long one round of all
    clients keeps a server that does nothing else. None if the server's CPU time is not known, or there is no formula.
    """
    per_event_us, requests = point["server_cpu_us_per_event"], point["requests_per_event"]
    formula = MODELS[style.model].law
    if formula is None or not per_event_us or (formula.per == "request" and not requests):
        return None
    service_us = per_event_us / requests if formula.per == "request" else per_event_us
    parameters = Parameters.of(point["parameters"])
    conditions = Conditions.of_point(parameters, style)
    # A server of several processes distributes its clients among them: each serves that part of a broadcast.
    clients, service_s = parameters.clients, service_us / 1e6 / parameters.workers
    return {
        "service_us": service_us,
        "per": formula.per,
        "mean_slope_us": _broadcast_slope_us(formula.broadcast_mean_s, service_s),
        "max_slope_us": _broadcast_slope_us(formula.broadcast_max_s, service_s),
        "saturated_at_clients": formula.saturated_at_clients(conditions, service_s),
        "cycle_ms": None if formula.cycle_s is None else 1000 * formula.cycle_s(clients, service_s),
    }


def _broadcast_slope_us(latency_s: Callable[[int, float, float], float] | None, send_cost_s: float) -> float | None:
    """Return what one more client adds to a broadcast's latency; None if events are not broadcast."""
    return None if latency_s is None else (latency_s(2, send_cost_s, 0.0) - latency_s(1, send_cost_s, 0.0)) * 1e6


def _knee(clients: int | None, position: str, next_clients: int | None) -> JsonObject:
    return {"clients": clients, "position": position, "next_clients": next_clients}


def _slope(points: Sequence[ScalePoint], read: Callable[[ScalePoint], Mapping[int, float]]) -> JsonObject | None:
    """Return the mean of the least-squares slopes of blocks that have all points, with its interval."""
    if len(points) < LEAST_VALUES:
        return None
    blocks = sorted(set.intersection(*(set(read(entry)) for entry in points)))
    if not blocks:
        return None
    clients = [entry.clients for entry in points]
    slopes = [least_squares_slope(clients, [read(entry)[block] for entry in points]) / _MS_PER_US for block in blocks]
    return estimate(float(np.mean(slopes)), slopes)


def _total(name: str) -> Callable[[JsonObject], float | None]:
    """Return a function that reads the CPU time of one event, all its deliveries together."""

    def of(point: JsonObject) -> float | None:
        return None if point[name] is None else float(point[name] * point["parameters"]["clients"])

    return of


@dataclass(frozen=True)
class Further:
    """The cost of one further client, in the lower and in the upper half of the range (by its logarithm)."""

    lower: float
    upper: float
    from_clients: int
    split_at_clients: int
    to_clients: int

    @property
    def ratio(self) -> float | None:
        """Upper over lower."""
        return self.upper / self.lower if self.lower > 0 else None

    @property
    def flat(self) -> bool:
        """Whether both are the same within FLAT_RATIO."""
        return self.ratio is not None and abs(self.ratio - 1) <= FLAT_RATIO


def further_cost(clients: Sequence[int], totals: Sequence[float]) -> Further:
    """Return it from totals at three or more ascending numbers of clients; constant costs cancel out."""
    middle = math.sqrt(clients[0] * clients[-1])
    split = min(range(1, len(clients) - 1), key=lambda i: abs(math.log(clients[i] / middle)))

    def between(low: int, high: int) -> float:
        return (totals[high] - totals[low]) / (clients[high] - clients[low])

    last = len(clients) - 1
    return Further(between(0, split), between(split, last), clients[0], clients[split], clients[last])


def _further(points: Sequence[ScalePoint], total: Callable[[JsonObject], float | None]) -> JsonObject | None:
    known = [(entry.clients, value) for entry in points if (value := total(entry.point)) is not None]
    if not wide_enough([clients for clients, _ in known]):
        return None
    found = further_cost([clients for clients, _ in known], [value for _, value in known])
    return {**dataclasses.asdict(found), "ratio": found.ratio, "flat": found.flat}
