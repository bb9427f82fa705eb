"""Long polling: the server holds a request until there is an event.

The gap is the time from when an answer leaves the server until the client's next request arrives there. Events in a gap
wait until its end.
"""

from __future__ import annotations

import itertools
import math

import numpy as np

from analysis.models.model import Conditions, Expectation, Model, SaturationLaw
from analysis.models.queues import PolledServer, ServiceTimes
from analysis.models.schedule import NEVER_NS, Prediction, Schedule
from contract.parameters import required


def _shortest_gap_s(conditions: Conditions) -> float:
    return conditions.answer_s + conditions.turnaround_s


def _mean_gap_s(conditions: Conditions) -> float:
    """Return the mean length of the gap."""
    return _shortest_gap_s(conditions) + conditions.turnaround_jitter_s / 2


def _longest_gap_s(conditions: Conditions) -> float:
    return _shortest_gap_s(conditions) + conditions.turnaround_jitter_s


def _gap_around_an_event_s(conditions: Conditions) -> float:
    """Return the mean length of the gaps that events fall into, which are the longer ones: E[G²] / E[G]."""
    gap_s = _mean_gap_s(conditions)
    return gap_s + (conditions.turnaround_jitter_s**2 / 12 / gap_s if gap_s else 0.0)


def _closed_form(conditions: Conditions) -> Expectation | None:
    if not conditions.keeps_cursor:
        return _without_cursor(conditions)
    if conditions.arrival == "poisson":
        return _poisson(conditions)
    if conditions.arrival == "periodic":
        return _periodic(conditions)
    return None


def _poisson(conditions: Conditions) -> Expectation:
    """Return the expectation for Poisson events, a renewal process.

    Each cycle is a gap G and, if no event was due in it, a wait for the next event or the end of the hold. With a
    random turnaround requests and mean are exact; waits are assumed uniform over the mean gap that events fall into,
    which makes the highest quantiles slightly too small.
    """
    rate_per_s, gap_s, hold_s = conditions.rate_per_s, _mean_gap_s(conditions), required(conditions.hold_s)
    expected_in_jitter = rate_per_s * conditions.turnaround_jitter_s
    nothing_in_jitter = -math.expm1(-expected_in_jitter) / expected_in_jitter if expected_in_jitter else 1.0
    nothing_in_gap = math.exp(-rate_per_s * _shortest_gap_s(conditions)) * nothing_in_jitter
    cycle_s = gap_s - nothing_in_gap * math.expm1(-rate_per_s * hold_s) / rate_per_s
    return Expectation(
        floor_s=conditions.one_way_delay_s,
        longest_wait_s=_gap_around_an_event_s(conditions),
        waiting_ratio=gap_s / cycle_s,
        requests_per_s=1 / cycle_s,
        requests_per_event=1 / (rate_per_s * cycle_s),
        empty_ratio=nothing_in_gap * math.exp(-rate_per_s * hold_s),
        in_step=True,
    )


def _periodic(conditions: Conditions) -> Expectation | None:
    """Return the expectation for periodic events, which changes abruptly at Te = G.

    Return None if only some gaps are longer than Te, or if a hold ends between two events: there is no short formula.
    """
    gap_s, period_s = _mean_gap_s(conditions), conditions.event_period_s
    ready_in_time = period_s >= _longest_gap_s(conditions)
    shortest_gap_s = _shortest_gap_s(conditions)
    if period_s > shortest_gap_s + required(conditions.hold_s) or (not ready_in_time and period_s >= shortest_gap_s):
        return None
    cycle_s = period_s if ready_in_time else gap_s
    return Expectation(
        floor_s=conditions.one_way_delay_s,
        longest_wait_s=_gap_around_an_event_s(conditions),
        waiting_ratio=0.0 if ready_in_time else 1.0,
        requests_per_s=1 / cycle_s,
        requests_per_event=period_s / cycle_s,
        empty_ratio=0.0,
        in_step=True,
    )


def _without_cursor(conditions: Conditions) -> Expectation | None:
    """Return the expectation without a cursor: events in a gap are lost, and the next one after it is not delayed."""
    rate_per_s, gap_s, hold_s = conditions.rate_per_s, _mean_gap_s(conditions), required(conditions.hold_s)
    if conditions.arrival == "poisson":
        nothing_in_hold = math.exp(-rate_per_s * hold_s)
        cycle_s = gap_s + (1 - nothing_in_hold) / rate_per_s
    elif conditions.arrival == "periodic" and not conditions.turnaround_jitter_s:
        nothing_in_hold = 0.0
        # Rounded, because a gap of a whole number of periods may be slightly off in floating point.
        cycle_s = conditions.event_period_s * (math.floor(round(gap_s / conditions.event_period_s, 9)) + 1)
        if cycle_s > gap_s + hold_s:
            return None
    else:
        return None
    return Expectation(
        floor_s=conditions.one_way_delay_s,
        longest_wait_s=0.0,
        waiting_ratio=0.0,
        requests_per_s=1 / cycle_s,
        requests_per_event=1 / (rate_per_s * cycle_s),
        empty_ratio=nothing_in_hold,
        in_step=True,
    )


def _lost_ratio(conditions: Conditions) -> float | None:
    """Return the share of events lost without a cursor: those that fall into the gap."""
    if conditions.keeps_cursor:
        return 0.0
    expected = _without_cursor(conditions)
    if expected is None:
        return None
    delivered_per_s = expected.requests_per_s * (1 - (expected.empty_ratio or 0.0))
    return max(0.0, 1 - delivered_per_s / conditions.rate_per_s)


def _answer_s(conditions: Conditions) -> float | None:
    """Return the mean time from a request to its answer: the mean cycle less the client's part of the gap."""
    expected = _closed_form(conditions)
    if expected is None:
        return None
    return 1 / expected.requests_per_s - (_mean_gap_s(conditions) - conditions.round_trip_s)


def _on_schedule(schedule: Schedule) -> Prediction:
    """Answer a request that arrives at t at once if events wait, else at the next event, or empty at t + hold.

    The answer takes one transit. The next request, sent after the client's turnaround, takes another one, and before it
    the time to connect if each poll has a connection of its own.
    """
    if not schedule.keeps_cursor:
        return _on_schedule_without_cursor(schedule)
    events, hold_ns = len(schedule.due_ns), required(schedule.hold_ns)
    next_due_ns = schedule.next_due_ns
    to_server_ns = schedule.connect_ns + schedule.one_way_ns
    between_ns = schedule.one_way_ns + schedule.turnaround_ns + to_server_ns
    at_server_ns = schedule.first_poll_ns + to_server_ns
    cursor = np.zeros(len(at_server_ns), dtype=np.int64)
    requests = np.zeros(len(at_server_ns), dtype=np.int64)
    answers_ns, batches = [], []
    for answer in itertools.count():
        sent_ns = at_server_ns - to_server_ns
        if cursor.min(initial=events) == events and sent_ns.min(initial=NEVER_NS) >= schedule.window_ns[1]:
            break
        requests += (sent_ns >= schedule.window_ns[0]) & (sent_ns < schedule.window_ns[1])
        answer_ns = np.minimum(at_server_ns + hold_ns, np.maximum(at_server_ns, next_due_ns[cursor]))
        seen = np.searchsorted(schedule.due_ns, answer_ns, side="right")
        answers_ns.append(answer_ns)
        batches.append(seen - cursor)
        cursor = seen
        at_server_ns = answer_ns + between_ns + schedule.turnaround_delays_ns(answer)
    # Client by client, answer by answer, each answer's time once per event in it: one row of events per client.
    each_ns = np.repeat(np.stack(answers_ns, axis=1).ravel(), np.stack(batches, axis=1).ravel())
    arrival_ns = each_ns.reshape(len(cursor), events) + schedule.one_way_ns
    return Prediction.of_all(arrival_ns - schedule.due_ns, requests)


def _on_schedule_without_cursor(schedule: Schedule) -> Prediction:
    """Answer a request that arrives at t with only the first event due after t; events due before are lost."""
    events, hold_ns = len(schedule.due_ns), required(schedule.hold_ns)
    next_due_ns = schedule.next_due_ns
    to_server_ns = schedule.connect_ns + schedule.one_way_ns
    between_ns = schedule.one_way_ns + schedule.turnaround_ns + to_server_ns
    at_server_ns = schedule.first_poll_ns + to_server_ns
    clients = np.arange(len(at_server_ns))
    requests = np.zeros(len(at_server_ns), dtype=np.int64)
    reached = np.zeros((len(at_server_ns), events + 1), dtype=np.bool_)
    for answer in itertools.count():
        sent_ns = at_server_ns - to_server_ns
        upcoming = np.searchsorted(schedule.due_ns, at_server_ns, side="right")
        if upcoming.min(initial=events) == events and sent_ns.min(initial=NEVER_NS) >= schedule.window_ns[1]:
            break
        requests += (sent_ns >= schedule.window_ns[0]) & (sent_ns < schedule.window_ns[1])
        held_until_ns = at_server_ns + hold_ns
        reached[clients, upcoming] |= next_due_ns[upcoming] <= held_until_ns
        answer_ns = np.minimum(held_until_ns, next_due_ns[upcoming])
        at_server_ns = answer_ns + between_ns + schedule.turnaround_delays_ns(answer)
    latency_ns = np.full((len(at_server_ns), events), schedule.one_way_ns)
    return Prediction(latency_ns, requests, reached[:, :events])


def _with_queues(schedule: Schedule, times: ServiceTimes, seed: int) -> Prediction:
    delays_ns: list[list[int]] = []
    answers = [0] * len(schedule.phase_ns)

    def next_sent_ns(client: int, read_ns: int) -> int:
        answer = answers[client]
        answers[client] += 1
        if answer == len(delays_ns):
            delays_ns.append(schedule.turnaround_delays_ns(answer).tolist())
        return read_ns + delays_ns[answer][client]

    return PolledServer(schedule, times, seed, holds=True).run(schedule.first_poll_ns.tolist(), next_sent_ns)


def saturated_cycle_s(clients: int, service_s: float) -> float:
    """Return the time in which a saturated server answers each of N clients once: N·s. Events are then batched."""
    return clients * service_s


def _saturated_at_clients(conditions: Conditions, service_s: float) -> float:
    """Return the number of clients N at which N(c_req + c_resp) is the event period; with more, events are batched."""
    return conditions.event_period_s / service_s


MODEL = Model(
    closed_form=_closed_form,
    on_schedule=_on_schedule,
    with_queues=_with_queues,
    law=SaturationLaw(per="request", saturated_at_clients=_saturated_at_clients, cycle_s=saturated_cycle_s),
    lost_ratio=_lost_ratio,
    answer_s=_answer_s,
    longest_wait_s=_longest_gap_s,
)
