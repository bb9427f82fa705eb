"""Service times of the server per poll and per pushed event, its capacity, and the crossover of push and polling.

Service times are fitted to points that keep the server busy but not saturated; saturated points show how much cheaper
work becomes when much of it waits at once. docs/method/capacity.md derives the formulas. Times are in seconds, rates
per second.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls

from analysis.statistics.inference import AT_LEAST_ZERO, estimate
from analysis.trial.measures import TrialMeasures
from analysis.trial.validity import CPU_RATIO_LIMITS
from contract.parameters import Parameters
from contract.points import Identity, differing, identity
from contract.records import SampleRole
from contract.summary import Estimate
from contract.transports import Kind, TransportStyle

BUSY_FROM_RATIO = 0.25
"""Share of a core below which the server's idle turns and wake-ups are a large part of the cost of a poll."""
SATURATED_FROM_RATIO = CPU_RATIO_LIMITS[SampleRole.SERVER]
LEAST_BATCH_SPREAD = 1.5
"""Least factor between the events per poll of two points for which the costs of a poll and an event can be separated.
"""
_OWN_LOAD = frozenset({"clients", "poll_interval_s"})
"""Parameters in which the points that service times are fitted to may differ."""


@dataclass(frozen=True)
class TrialLoad:
    """The load of the server in a trial's measured window, and the CPU time that it took."""

    transport: str
    kind: Kind
    parameters: Parameters
    block: int
    window_s: float
    server_cpu_s: float
    server_core_s: float
    """The time for which its core was available: the window, less what the host of a virtual machine took."""
    polls: int
    """The number of answered polls."""
    deliveries: int
    socket_bytes: float | None
    """Bytes in both directions, in proportion to `deliveries`; None if they were not counted."""
    payload_bytes: float | None
    """Those bytes that were events."""
    reach_beyond_model_ms: float
    """Mean time for an event to reach 99 % of the clients, less the model's, ms."""

    @classmethod
    def of(cls, trial: TrialMeasures, style: TransportStyle) -> TrialLoad | None:
        """Return the load of a trial; None if the server's CPU time or latencies were not measured."""
        server = trial.processors[SampleRole.SERVER]
        reach = trial.latencies.reach
        if server is None or not trial.deliveries or reach is None:
            return None
        counted = trial.bytes
        scale = trial.deliveries / counted.deliveries if counted is not None and counted.deliveries else None
        return cls(
            transport=style.name,
            kind=style.kind,
            parameters=trial.info.parameters,
            block=trial.info.block,
            window_s=trial.window_s,
            server_cpu_s=server.cpu_ns / 1e9,
            server_core_s=server.core_ns / 1e9,
            polls=trial.requests.answered_polls,
            deliveries=trial.deliveries,
            socket_bytes=None if counted is None or scale is None else scale * (counted.up + counted.down),
            payload_bytes=None if counted is None or scale is None else scale * counted.payload,
            reach_beyond_model_ms=reach.excess_ms,
        )


Loads = Sequence[TrialLoad]


@dataclass(frozen=True)
class LoadPoint:
    """The trials of one transport under the same parameters."""

    loads: Loads

    @property
    def parameters(self) -> Parameters:
        """The parameters of its trials."""
        return self.loads[0].parameters

    @property
    def server_cpu_ratio(self) -> float:
        """Mean share of its core that the server used."""
        return total(self.loads, "server_cpu_s") / total(self.loads, "server_core_s")

    @property
    def saturated(self) -> bool:
        """Whether the server had no capacity left."""
        return self.server_cpu_ratio > SATURATED_FROM_RATIO

    @property
    def busy(self) -> bool:
        """Whether the server was busy enough to measure its service times, and not full."""
        return self.server_cpu_ratio >= BUSY_FROM_RATIO and not self.saturated


@dataclass(frozen=True)
class Service:
    """CPU time of a server per poll answered and per event delivered, by push or in an answer."""

    poll_s: float
    event_s: float

    def of(self, polls: float, deliveries: float) -> float:
        """Return the CPU seconds of this many polls and deliveries."""
        return self.poll_s * polls + self.event_s * deliveries


@dataclass(frozen=True)
class Estimates:
    """The estimated service times of a server for one transport."""

    service: Service
    """Service times at moderate load."""
    economy_ratio: float | None
    """The share of these times that a saturated server needs, since it does more work in each turn of its loop; None if
    no point saturated it."""

    @property
    def saturated(self) -> Service:
        """Service times of a full server, from which capacities follow; those at moderate load if not known."""
        ratio = 1.0 if self.economy_ratio is None else self.economy_ratio
        return Service(self.service.poll_s * ratio, self.service.event_s * ratio)


@dataclass(frozen=True)
class Calibration:
    """The points of one transport that its service times are estimated from."""

    transport: str
    kind: Kind
    busy: tuple[LoadPoint, ...]
    saturated: tuple[LoadPoint, ...]

    @property
    def loads(self) -> list[TrialLoad]:
        """The loads of all its points."""
        return [load for point in (*self.busy, *self.saturated) for load in point.loads]

    def estimate(self, block: int | None = None) -> Estimates | None:
        """Estimate the service times from one block's trials, or from all trials; None without a busy point."""
        busy, saturated = _of_block(self.busy, block), _of_block(self.saturated, block)
        if not busy:
            return None
        service = fit_service(busy)
        expected_s = sum(service.of(load.polls, load.deliveries) for load in saturated)
        return Estimates(service, total(saturated, "server_cpu_s") / expected_s if expected_s else None)

    def blocks(self) -> list[int]:
        """Return every block to which one of its trials belongs."""
        return sorted({load.block for load in self.loads})


def total(loads: Loads, name: str) -> float:
    """Return the sum of one field over trials."""
    return float(sum(getattr(load, name) for load in loads))


def fit_service(loads: Loads) -> Service:
    """Fit service times by least squares of the relative error without negative costs: cpu = polls·a + events·b.

    (Lawson and Hanson 1974.) If all polls bring about the same number of events, the two costs cannot be separated, and
    the cost of a poll includes that of its events.
    """
    if not any(load.polls for load in loads):
        return Service(0.0, total(loads, "server_cpu_s") / total(loads, "deliveries"))
    counts = np.array([[load.polls, load.deliveries] for load in loads], dtype=np.float64)
    batches = counts[:, 1] / counts[:, 0]
    if batches.max() < LEAST_BATCH_SPREAD * batches.min():
        counts = counts[:, :1]
    relative = counts / np.array([[load.server_cpu_s] for load in loads])
    found, _ = nnls(relative, np.ones(len(loads)))
    return Service(float(found[0]), float(found[1]) if len(found) > 1 else 0.0)


def load_points(loads: Loads) -> list[LoadPoint]:
    """Return the trials grouped by transport and parameters, in the order of their first."""
    groups: dict[Identity, list[TrialLoad]] = {}
    for load in loads:
        groups.setdefault(identity(load.transport, load.parameters), []).append(load)
    return [LoadPoint(tuple(group)) for group in groups.values()]


def calibrations(loads: Loads, base: Parameters) -> list[Calibration]:
    """Return the calibration of each transport with a busy point at the base parameters, except those of _OWN_LOAD."""
    found: dict[tuple[str, Kind], list[LoadPoint]] = {}
    for point in load_points(loads):
        if set(differing(point.parameters, base)) <= _OWN_LOAD:
            found.setdefault((point.loads[0].transport, point.loads[0].kind), []).append(point)
    found_by_transport = [
        Calibration(*names, tuple(p for p in points if p.busy), tuple(p for p in points if p.saturated))
        for names, points in found.items()
    ]
    return [calibration for calibration in found_by_transport if calibration.busy]


def sends_per_s(push: Estimates) -> float:
    """Return μ_push, the number of events that a saturated server sends per second."""
    return 1 / push.saturated.event_s


def polls_per_s(poll: Estimates, events_per_poll: float) -> float:
    """Return μ_poll, the number of polls with this many events that a saturated server answers per second."""
    return 1 / poll.saturated.of(1.0, events_per_poll)


def crossover_events_per_poll(push: Estimates, poll: Estimates) -> float | None:
    """Return the λI above which polling serves more clients, or None if it never does.

    λI = μ_push / μ_poll(λI), so a / (c - b).
    """
    ours, theirs = comparable([push, poll])
    gain_s = ours.event_s - theirs.event_s
    return theirs.poll_s / gain_s if gain_s > 0 else None


def comparable(estimates: Sequence[Estimates]) -> list[Service]:
    """Return all service times at saturation if all have been measured there, else all at moderate load."""
    known = all(one.economy_ratio is not None for one in estimates)
    return [one.saturated if known else one.service for one in estimates]


def with_interval(of: Sequence[Calibration], read: Callable[..., float | None]) -> Estimate:
    """Return `read` applied to the estimates from all trials, with an interval from the blocks', cut off at zero."""
    blocks = set.intersection(*(set(calibration.blocks()) for calibration in of))
    each = [_read(of, read, block) for block in sorted(blocks)]
    value = _read(of, read, None)
    known = [one for one in each if one is not None]
    if value is None or len(known) < len(each):
        return Estimate(value, None)
    return estimate(value, known, AT_LEAST_ZERO)


def _read(of: Sequence[Calibration], read: Callable[..., float | None], block: int | None) -> float | None:
    estimates = [calibration.estimate(block) for calibration in of]
    return None if any(one is None for one in estimates) else read(*estimates)


def _of_block(points: Sequence[LoadPoint], block: int | None) -> list[TrialLoad]:
    return [load for point in points for load in point.loads if block is None or load.block == block]
