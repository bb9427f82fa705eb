"""Simulated trials of points, thousands of each: the streams and phases of real runs, and a modelled system.

The streams are those of `contract.stream`, the phases those of `loadtests.plan`. The system is the model with queues,
with service times and delays that vary from trial to trial as in a `standard` run. So the true value of each figure is
known, and it can be counted how often intervals contain it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from analysis.models.model import Conditions, Expectation
from analysis.models.queues import ServiceTimes
from analysis.models.registry import MODELS
from analysis.models.schedule import Prediction, Schedule
from analysis.trial.freshness import view_ages
from contract.records import Ints
from contract.stream import StreamSpec, due_offsets_ns
from loadtests.plan.population import spread_phases_ns

Floats = npt.NDArray[np.float64]

_T0_NS = 1_000_000_000
_HOLD_NS = 30_000_000_000
_SERVICE_DEVIATION = 0.08
"""Standard deviation between trials of the logarithm of the service times."""
_READ_DELAY_MS = 0.35
"""Mean over trials of the time that clients take to read an answer, which is part of a long poll's gap."""
_HOP_MS = 0.1
"""The time to pass a message from one process to another: twice each way with a relay, otherwise once."""
_DELIVERY_MS = 0.1
"""Mean of the remaining time of a delivery, which is exponentially distributed."""


@dataclass(frozen=True)
class SimulatedPoint:
    """A transport at one set of parameters."""

    name: str
    model: str
    """The key in `analysis.models.registry.MODELS`."""
    rate_per_s: float
    measured_s: float
    service: ServiceTimes
    one_way_ms: float = 25.0
    interval_s: float = 0.0
    span_s: float = 2.0
    """The span of `contract.stream.StreamSpec`: the shortest window at this rate."""
    clients: int = 10

    @property
    def events(self) -> int:
        """The number of events in the measured window of each trial."""
        return round(self.rate_per_s * self.measured_s)

    @property
    def warm_up_s(self) -> float:
        """The warm-up, as long as in a run."""
        return max(0.2, self.interval_s + 2 * self.one_way_ms / 1000)

    def shares_streams_with(self, other: SimulatedPoint) -> bool:
        """Return whether trials of the same number have the same events in their windows."""
        return (self.rate_per_s, self.measured_s, self.span_s) == (other.rate_per_s, other.measured_s, other.span_s)

    @property
    def conditions(self) -> Conditions:
        """The conditions on which its closed form depends."""
        return Conditions(
            rate_per_s=self.rate_per_s,
            arrival="poisson",
            one_way_delay_s=self.one_way_ms / 1000,
            poll_interval_s=self.interval_s,
            hold_s=_HOLD_NS / 1e9,
            turnaround_s=0.0 if self.interval_s else _READ_DELAY_MS / 1000,
        )

    @property
    def expected(self) -> Expectation | None:
        """Its closed form."""
        return MODELS[self.model].closed_form(self.conditions)


def _service(answer_us: int, read_us: int, waking_us: int = 0) -> ServiceTimes:
    return ServiceTimes(1000 * answer_us, 1000 * waking_us, 1000 * read_us)


PUSH = SimulatedPoint("Push, 10/s", "push", 10, 4, _service(62, 37))
POINTS = (
    PUSH,
    SimulatedPoint("Short poll every 0.1 s", "short_poll", 10, 2, _service(700, 270), interval_s=0.1),
    SimulatedPoint("Short poll every 1 s", "short_poll", 10, 4, _service(1000, 300), interval_s=1),
    SimulatedPoint("Short poll every 5 s", "short_poll", 10, 2, _service(1500, 300), interval_s=5),
    SimulatedPoint("Long poll, 2/s", "long_poll", 2, 2, _service(366, 118, 122)),
    SimulatedPoint("Long poll, 10/s", "long_poll", 10, 4, _service(320, 65, 101)),
    SimulatedPoint("Long poll, 20/s", "long_poll", 20, 2, _service(323, 66, 107)),
    SimulatedPoint("Push, loopback, 35/s", "push", 35, 2, _service(62, 37), one_way_ms=0),
    SimulatedPoint("Short poll every 0.5 s, loopback, 35/s", "short_poll", 35, 2, _service(700, 270), 0, 0.5),
    SimulatedPoint("Long poll, loopback, 35/s", "long_poll", 35, 2, _service(320, 65, 101), one_way_ms=0),
)
"""The kinds of points that the scenarios `standard` and `quick` have."""


@dataclass(frozen=True)
class SimulatedTrials:
    """The measurements of many trials of a point."""

    point: SimulatedPoint
    latency_ms: Floats
    """Shape (trials, deliveries), each trial's in ascending order."""
    own_mean_ms: Floats
    """The model's mean on the trial's own schedule; this and all below have the shape (trials,)."""
    requests: Ints
    own_requests: Ints
    beyond_model_ms: Floats
    """Median over the trial's deliveries of latency minus the model's."""
    cpu_us_per_event: Floats
    mean_age_ms: Floats


def simulate(point: SimulatedPoint, trials: int, seed: int) -> SimulatedTrials:
    """Simulate trials; trial i has the same stream at every point with the same rate and span."""
    random = np.random.default_rng([seed, len(point.name)])
    drawn = [_simulate_trial(point, [seed, number], random) for number in range(trials)]
    columns = list(zip(*drawn, strict=True))
    return SimulatedTrials(point, np.stack(columns[0]), *(np.asarray(column) for column in columns[1:]))


def _simulate_trial(
    point: SimulatedPoint, seed: list[int], random: np.random.Generator
) -> tuple[Floats, float, int, int, float, float, float]:
    number = int(np.random.default_rng(seed).integers(2**31))
    schedule = _schedule(point, number, random)
    model = MODELS[point.model]
    own = model.on_schedule(schedule)
    speed = float(np.exp(random.normal(0.0, _SERVICE_DEVIATION)))
    delay_ms = (2 if point.one_way_ms else 1) * _HOP_MS + random.gamma(4.0, 0.02)
    slower = replace(schedule, one_way_ns=schedule.one_way_ns + round(1e6 * delay_ms))
    service = ServiceTimes(
        *(
            round(speed * each)
            for each in (
                point.service.answer_ns,
                point.service.waking_ns,
                point.service.read_ns,
            )
        )
    )
    measured = model.with_queues(slower, service, number)
    counted = schedule.due_ns >= schedule.window_ns[0]
    besides_ns = random.exponential(1e6 * _DELIVERY_MS, measured.latency_ns.shape)
    latency_ns = measured.latency_ns + besides_ns
    requests, own_requests = int(measured.requests.sum()), int(own.requests.sum())
    deliveries = point.clients * int(counted.sum())
    return (
        np.sort(latency_ns[:, counted], axis=None) / 1e6,
        float(own.latency_ns[:, counted].mean()) / 1e6,
        requests,
        own_requests,
        float(np.median((latency_ns - own.latency_ns)[:, counted])) / 1e6,
        speed * point.service.answer_ns / 1000 * (requests or deliveries) / deliveries,
        _mean_age_ms(schedule, measured, besides_ns),
    )


def _schedule(point: SimulatedPoint, seed: int, random: np.random.Generator) -> Schedule:
    total_s = point.warm_up_s + point.measured_s
    stream = StreamSpec(point.rate_per_s, "poisson", 1, total_s, seed, point.warm_up_s, point.span_s)
    polls_on_schedule = point.interval_s > 0
    return Schedule(
        due_ns=_T0_NS + due_offsets_ns(stream),
        phase_ns=np.array(spread_phases_ns(point.clients, point.interval_s, seed), dtype=np.int64),
        first_poll_ns=_T0_NS - 100_000_000 + random.integers(0, 2_000_000, point.clients),
        t0_ns=_T0_NS,
        window_ns=(_T0_NS + round(1e9 * point.warm_up_s), _T0_NS + round(1e9 * total_s)),
        one_way_ns=round(1e6 * point.one_way_ms),
        interval_ns=round(1e9 * point.interval_s),
        hold_ns=_HOLD_NS,
        turnaround_ns=0 if polls_on_schedule else round(1e6 * random.gamma(20.0, _READ_DELAY_MS / 20)),
    )


def _mean_age_ms(schedule: Schedule, measured: Prediction, besides_ns: Floats) -> float:
    arrival_ns = np.rint(schedule.due_ns + measured.latency_ns + besides_ns).astype(np.int64)
    return view_ages(schedule.due_ns, arrival_ns, schedule.window_ns).mean_ms
