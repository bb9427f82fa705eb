"""SSE and WebSocket: the server sends every event at once, so that each takes one transit.

A busy server sends to one client after the other.
"""

from __future__ import annotations

import numpy as np

from analysis.models.model import Conditions, Expectation, Model, SaturationLaw
from analysis.models.queues import ServiceTimes, queue_starts_ns
from analysis.models.schedule import Prediction, Schedule


def _closed_form(conditions: Conditions) -> Expectation:
    return Expectation.constant(conditions.one_way_delay_s)


def _on_schedule(schedule: Schedule) -> Prediction:
    shape = (len(schedule.phase_ns), len(schedule.due_ns))
    latency_ns = np.broadcast_to(np.int64(schedule.one_way_ns), shape)
    return Prediction.of_all(latency_ns, np.zeros(shape[0], dtype=np.int64))


def _with_queues(schedule: Schedule, times: ServiceTimes, _: int) -> Prediction:
    """Send each event to one client after the other; its copies are one job, which may wait for earlier events."""
    clients = len(schedule.phase_ns)
    start_ns = queue_starts_ns(schedule.due_ns, clients * times.answer_ns)
    # Which client comes first differs from event to event; for the distribution over all clients it does not matter.
    rank_ns = times.answer_ns * np.arange(1, clients + 1)
    latency_ns = (start_ns - schedule.due_ns)[None, :] + (schedule.one_way_ns + rank_ns)[:, None]
    return Prediction.of_all(latency_ns, np.zeros(clients, dtype=np.int64))


def fan_out_mean_s(clients: int, send_cost_s: float, one_way_delay_s: float) -> float:
    """Return the mean latency over N clients in an undisturbed broadcast that costs c per send: d + (N + 1)c / 2."""
    return one_way_delay_s + (clients + 1) * send_cost_s / 2


def fan_out_max_s(clients: int, send_cost_s: float, one_way_delay_s: float) -> float:
    """Return the latency of the last of N clients in an undisturbed broadcast: d + Nc."""
    return one_way_delay_s + clients * send_cost_s


def push_capacity_clients(rate_per_s: float, sends_per_s: float) -> float:
    """Return the number of clients that a server with this many sends per second can serve at this event rate."""
    return sends_per_s / rate_per_s


def _saturated_at_clients(conditions: Conditions, service_s: float) -> float:
    """Return the number of clients N at which λNc = 1; with more, events are due faster than they can be sent."""
    return push_capacity_clients(conditions.rate_per_s, 1 / service_s)


MODEL = Model(
    closed_form=_closed_form,
    on_schedule=_on_schedule,
    with_queues=_with_queues,
    law=SaturationLaw(
        per="delivery",
        saturated_at_clients=_saturated_at_clients,
        broadcast_mean_s=fan_out_mean_s,
        broadcast_max_s=fan_out_max_s,
    ),
)
