"""The cheapest transport for an event rate and an acceptable staleness, from measured costs.

Short polls use the longest interval that the staleness allows; other transports qualify if their latency is low enough.
Latencies and requests are those of the closed forms (`analysis.models`) for Poisson events.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from analysis.models.model import Conditions
from analysis.models.registry import MODELS
from contract.parameters import Parameters
from contract.summary import TransportCapacity
from contract.transports import TransportStyle

WITHIN_QUANTILE = 0.99
"""The share of events that must not be older than the acceptable staleness."""
_SAME_WITHIN_RATIO = 0.1
"""Transports of one kind share a region if their costs differ by less than this ratio."""


@dataclass(frozen=True)
class Cost:
    """The cost for one client of a request and of an event, in any unit (seconds of processor time, bytes)."""

    request: float
    event: float


@dataclass(frozen=True)
class Candidate:
    """A kind of transport with the cost of its cheapest transport."""

    transport: TransportStyle
    label: str
    """Its label, and those of others of its kind that cost about as much."""
    cost: Cost
    conditions: Conditions

    def least_cost(self, rate_per_s: float, staleness_s: float) -> float | None:
        """Return the cost per client and second, at the longest interval that the staleness allows, or None."""
        conditions = replace(self.conditions, rate_per_s=rate_per_s, arrival="poisson")
        if self.transport.kind.polls_at_intervals:
            conditions = replace(conditions, poll_interval_s=longest_interval_s(conditions, staleness_s))
        expected = MODELS[self.transport.model].closed_form(conditions)
        if expected is None or expected.quantile_s(WITHIN_QUANTILE) > staleness_s * (1 + 1e-9):
            return None
        return self.cost.request * expected.requests_per_s + self.cost.event * rate_per_s


@dataclass(frozen=True)
class CheapestMap:
    """The cheapest of `candidates` for each event rate and staleness."""

    candidates: tuple[Candidate, ...]
    rates_per_s: npt.NDArray[np.float64]
    stalenesses_s: npt.NDArray[np.float64]
    cheapest: npt.NDArray[np.int64]
    """Index into `candidates`, shape (stalenesses, rates); -1 if none is fresh enough."""


def longest_interval_s(conditions: Conditions, staleness_s: float) -> float:
    """Return the interval of polls whose p99, 0.99·I + d, is this staleness; 0 if none is short enough."""
    return max(0.0, (staleness_s - conditions.one_way_delay_s) / WITHIN_QUANTILE)


def staleness_of_interval_s(conditions: Conditions, interval_s: float) -> float:
    """Return the staleness at this poll interval, the inverse of `longest_interval_s`."""
    return WITHIN_QUANTILE * interval_s + conditions.one_way_delay_s


def processor_costs(capacities: Sequence[TransportCapacity]) -> dict[str, Cost]:
    """Return processor seconds by transport, from `capacity.transports`.

    They are those of a saturated server if they are known for all transports, else those at moderate load.
    """
    saturated = all(found.economy_ratio is not None for found in capacities)
    costs = {}
    for found in capacities:
        ratio = found.economy_ratio.value if saturated and found.economy_ratio is not None else 1.0
        poll_us = 0.0 if found.poll_cpu_us is None else found.poll_cpu_us.value
        event_us = found.event_cpu_us.value
        if ratio is not None and poll_us is not None and event_us is not None:
            costs[found.transport] = Cost(1e-6 * ratio * poll_us, 1e-6 * ratio * event_us)
    return costs


def byte_costs(capacities: Sequence[TransportCapacity]) -> dict[str, Cost]:
    """Return bytes at the socket by transport, without those whose bytes were not counted."""
    return {
        found.transport: Cost(found.poll_bytes or 0.0, found.event_bytes + (found.framing_bytes or 0.0))
        for found in capacities
        if found.event_bytes is not None
    }


def candidates(styles: Sequence[TransportStyle], costs: Mapping[str, Cost], base: Parameters) -> tuple[Candidate, ...]:
    """Return the candidates, one per kind of model, in the order of the run."""
    kinds: dict[str, list[TransportStyle]] = {}
    for style in styles:
        if style.name in costs:
            kinds.setdefault(style.model, []).append(style)
    found = []
    for group in kinds.values():
        best = min(group, key=lambda style: _size(costs[style.name]))
        alike = [s for s in group if _size(costs[s.name]) <= (1 + _SAME_WITHIN_RATIO) * _size(costs[best.name])]
        label = " or ".join(style.label for style in alike)
        found.append(Candidate(best, label, costs[best.name], Conditions.of_point(base, best)))
    return tuple(found)


def cheapest_map(
    among: tuple[Candidate, ...],
    rates_per_s: npt.NDArray[np.float64],
    stalenesses_s: npt.NDArray[np.float64],
) -> CheapestMap:
    """Return the cheapest candidate for every pair of a rate and a staleness."""
    cheapest = np.full((len(stalenesses_s), len(rates_per_s)), -1, dtype=np.int64)
    for row, staleness_s in enumerate(stalenesses_s.tolist()):
        for column, rate_per_s in enumerate(rates_per_s.tolist()):
            costs = [(candidate.least_cost(rate_per_s, staleness_s), i) for i, candidate in enumerate(among)]
            known = [(cost, i) for cost, i in costs if cost is not None]
            if known:
                cheapest[row, column] = min(known)[1]
    return CheapestMap(among, rates_per_s, stalenesses_s, cheapest)


def _size(cost: Cost) -> float:
    """Return the cost by which transports of one kind are compared; all of them need the same number of requests."""
    return cost.request + cost.event
