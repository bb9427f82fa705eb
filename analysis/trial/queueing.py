"""Mean latency in three parts: the network, queueing at server and load, and the part that neither model explains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from analysis.models.queues import ServiceTimes
from analysis.models.registry import MODELS
from analysis.models.schedule import schedule_of
from analysis.statistics.distribution import NS_PER_MS, distribution_of
from analysis.trial.costs import Processor
from analysis.trial.latency import due_in_window
from contract.records import Ints, SampleRole, Trial
from contract.summary import LatencySplit, QueueModel
from contract.transports import TransportStyle

MOST_REQUESTS = 100_000
"""The most requests in the measured window that are simulated one by one, at about 10 µs each."""
HOP_NS = 100_000
"""The time from one process to another, beyond all delays and CPU times: the kernel passes a message on and wakes a
process. Loopback's least latency across cores is 0.06 to 0.09 ms. With a relay there are two such hops each way, else
one."""
_LEAST_IDLE_NS = 150_000_000
"""The least idle time of the stream from which the server's idle CPU time is known."""
_PREDICTED = tuple(field.name for field in fields(QueueModel) if field.name != "reason")
_SPINS_BEFORE_NS = 1_500_000
"""From this time before an event is due, the server is not idle but spins (`system.asyncio_timer`)."""


@dataclass(frozen=True)
class Queued:
    """The results of the model with queues for one trial."""

    times: ServiceTimes
    predicted_ns: Ints
    """Latencies of all events due in the window that the model delivers to any client: shape (predicted deliveries,).
    """
    requests: int
    """The requests of all clients within the window."""


@dataclass(frozen=True)
class NotQueued:
    """Why the model with queues does not apply to a trial."""

    reason: str


def queued(
    trial: Trial,
    style: TransportStyle,
    processors: Mapping[SampleRole, Processor | None],
    answers: int,
    plain_requests: int,
) -> Queued | NotQueued:
    """Evaluate the model with queues on a trial's own schedule.

    `answers` is the number of answered polls, or deliveries, that the processors' CPU time in the window was spent on;
    `plain_requests` are those in the window by the model without queues.
    """
    server, load = processors[SampleRole.SERVER], processors[SampleRole.LOAD]
    if server is None or load is None:
        return NotQueued(f"the CPU time of the {'server' if server is None else 'load'} is not known")
    if not answers:
        return NotQueued("nothing was delivered in the measured window")
    if (processes := trial.info.parameters.server_processes) > 1:
        return NotQueued(f"the server has {processes} processes, and the model has one")
    if plain_requests > MOST_REQUESTS:
        return NotQueued(f"its clients send more than {MOST_REQUESTS:,} requests in the measured window")
    waking_ratio = trial.info.waking_ratio
    if style.kind.server_holds and waking_ratio is None:
        return NotQueued("which share of the CPU time for a held poll is spent when it is answered was not measured")
    window_ns = trial.info.window_end_ns - trial.info.window_start_ns
    answer_ns = max(0.0, server.cpu_ns - idle_ratio(trial) * window_ns) / answers
    times = ServiceTimes(round(answer_ns), round((waking_ratio or 0.0) * answer_ns), round(load.cpu_ns / answers))
    schedule = schedule_of(trial, style)
    schedule = replace(schedule, one_way_ns=schedule.one_way_ns + hops(trial) * HOP_NS)
    prediction = MODELS[style.model].with_queues(schedule, times, trial.info.own_seed)
    return Queued(times, prediction.latencies_ns(due_in_window(trial, style)), int(prediction.requests.sum()))


def hops(trial: Trial) -> int:
    """Return how often a message is passed on from one process to another in one direction."""
    return 1 if trial.info.relay is None else 2


def idle_ratio(trial: Trial) -> float:
    """Return the share of a core that the server uses while idle, which is not part of any answer's cost.

    It is measured between samples between which no event is due and no message arrives or leaves; 0 if there is hardly
    any such time.
    """
    rows = trial.samples.where(trial.samples.role == SampleRole.SERVER)
    rows = rows.where((rows.at_ns >= trial.info.t0_ns) & (rows.at_ns <= trial.info.window_end_ns))
    if len(rows) < 2:
        return 0.0
    one_way_ns = round(trial.info.parameters.one_way_delay_ms * NS_PER_MS)
    busy = np.zeros(len(rows) + 1, dtype=np.bool_)
    for times_ns in (
        trial.published.due_ns,
        trial.published.due_ns - _SPINS_BEFORE_NS,
        trial.requests.start_ns + one_way_ns,
        trial.requests.end_ns - one_way_ns,
        trial.deliveries.user_ns - one_way_ns,
    ):
        busy[np.searchsorted(rows.at_ns, times_ns)] = True
    idle = ~busy[1:-1]
    idle_ns = int(np.diff(rows.at_ns)[idle].sum())
    return float(np.diff(rows.cpu_ns)[idle].sum()) / idle_ns if idle_ns >= _LEAST_IDLE_NS else 0.0


def pooled_queue_model(trials: Sequence[Queued | NotQueued], due_deliveries: int) -> QueueModel:
    """Return the prediction with queues for all deliveries of a point, with the means of its trials' service times.

    All figures are None, with a `reason`, if the model does not apply to one of the trials.
    """
    known = [trial for trial in trials if isinstance(trial, Queued)]
    reasons = [trial.reason for trial in trials if isinstance(trial, NotQueued)]
    pooled = None if reasons else distribution_of(np.concatenate([trial.predicted_ns for trial in known]))
    if pooled is None:
        reason = (reasons or ["the model delivers nothing in the measured window"])[0]
        return QueueModel(**dict.fromkeys(_PREDICTED), reason=reason)
    times = [trial.times for trial in known]
    return QueueModel(
        mean_ms=pooled["mean"],
        p50_ms=pooled["p50"],
        p95_ms=pooled["p95"],
        p99_ms=pooled["p99"],
        requests_per_event=sum(trial.requests for trial in known) / due_deliveries,
        answer_us=float(np.mean([each.answer_ns for each in times])) / 1000,
        waking_us=float(np.mean([each.waking_ns for each in times])) / 1000,
        read_us=float(np.mean([each.read_ns for each in times])) / 1000,
        reason=None,
    )


def split_mean_ms(measured_ms: float | None, network_ms: float | None, queued_ms: float | None) -> LatencySplit:
    """Return the parts of a mean latency, which add up to it; a part is None if a figure for it is not known."""
    return LatencySplit(
        network=network_ms,
        queueing=None if network_ms is None or queued_ms is None else queued_ms - network_ms,
        unexplained=None if measured_ms is None or queued_ms is None else measured_ms - queued_ms,
    )
