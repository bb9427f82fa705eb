"""Round trips of messages, over an open channel or as requests that a client sends one at a time."""

from __future__ import annotations

import heapq
from functools import partial

import numpy as np

from analysis.models.model import Conditions, Expectation, Model
from analysis.models.queues import NEVER_BUSY_NS, LoadQueues, ServiceTimes, queue_starts_ns
from analysis.models.schedule import Prediction, Schedule
from contract.records import Ints


def _closed_form(conditions: Conditions, *, transits: int) -> Expectation | None:
    """Return a constant round trip; None if requests would queue.

    Requests are sent one at a time; they do not queue if they are evenly spaced and answered before the next is due.
    """
    transit_s = transits * conditions.one_way_delay_s
    if not conditions.requests_per_message:
        return Expectation.constant(transit_s)
    if conditions.arrival != "periodic" or conditions.event_period_s < transit_s:
        return None
    return Expectation.constant(transit_s, requests_per_s=conditions.rate_per_s, requests_per_event=1.0)


def _on_schedule(schedule: Schedule, *, transits: int) -> Prediction:
    """Deliver each message `transits` transits after it is sent.

    It is sent when it is due or, with one at a time, when the previous one is answered: answer k arrives at the maximum
    over j ≤ k of due_j + (k - j + 1) · transit (Lindley 1952).
    """
    transit_ns = transits * schedule.one_way_ns
    due_ns = schedule.due_ns[None, :] + schedule.phase_ns[:, None]
    clients = len(schedule.phase_ns)
    if not schedule.one_at_a_time:
        latency_ns = np.broadcast_to(np.int64(transit_ns), due_ns.shape)
        return Prediction.of_all(latency_ns, np.zeros(clients, dtype=np.int64))
    earlier_ns = np.arange(len(schedule.due_ns), dtype=np.int64) * transit_ns
    sent_ns = np.maximum.accumulate(due_ns - earlier_ns, axis=1) + earlier_ns
    within = (sent_ns >= schedule.window_ns[0]) & (sent_ns < schedule.window_ns[1])
    return Prediction.of_all(sent_ns + transit_ns - due_ns, within.sum(axis=1))


def _with_queues(schedule: Schedule, times: ServiceTimes, _: int, *, transits: int) -> Prediction:
    """Queue the messages of all clients at the server; with one at a time, each waits for the previous answer."""
    to_server_ns = (transits - 1) * schedule.one_way_ns
    due_ns = schedule.due_ns[None, :] + schedule.phase_ns[:, None]
    if not schedule.one_at_a_time:
        return _open_channel(due_ns, to_server_ns, schedule.one_way_ns, times.answer_ns)
    start_ns, end_ns = schedule.window_ns
    requests = np.zeros(len(due_ns), dtype=np.int64)
    latency_ns = np.zeros(due_ns.shape, dtype=np.int64)
    load = LoadQueues(schedule, times.read_ns)
    planned_ns = due_ns.tolist()
    coming = [(own_ns[0], client, 0) for client, own_ns in enumerate(planned_ns) if own_ns]
    heapq.heapify(coming)
    free_ns = NEVER_BUSY_NS
    while coming:
        # All messages take equally long to the server, so they come in the order in which they are sent.
        sent_ns, client, place = heapq.heappop(coming)
        requests[client] += start_ns <= sent_ns < end_ns
        free_ns = max(free_ns, sent_ns + to_server_ns) + times.answer_ns
        arrival_ns = free_ns + schedule.one_way_ns
        latency_ns[client, place] = arrival_ns - planned_ns[client][place]
        read_ns = load.read(client, arrival_ns)
        if place + 1 < len(planned_ns[client]):
            heapq.heappush(coming, (max(read_ns, planned_ns[client][place + 1]), client, place + 1))
    return Prediction.of_all(latency_ns, requests)


def _open_channel(due_ns: Ints, to_server_ns: int, to_client_ns: int, answer_ns: int) -> Prediction:
    order = np.argsort(due_ns, axis=None, kind="stable")
    left_ns = np.empty(due_ns.size, dtype=np.int64)
    left_ns[order] = queue_starts_ns(due_ns.ravel()[order] + to_server_ns, answer_ns) + answer_ns
    latency_ns = left_ns.reshape(due_ns.shape) + to_client_ns - due_ns
    return Prediction.of_all(latency_ns, np.zeros(len(due_ns), dtype=np.int64))


def _model(transits: int) -> Model:
    return Model(
        closed_form=partial(_closed_form, transits=transits),
        on_schedule=partial(_on_schedule, transits=transits),
        with_queues=partial(_with_queues, transits=transits),
    )


MODEL = _model(2)
NEW_CONNECTION_MODEL = _model(4)
"""Opening a connection takes a round trip before the message can leave."""
