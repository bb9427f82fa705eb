"""Short polling: an event waits for the client's next poll, whose time does not depend on events."""

from __future__ import annotations

import math

import numpy as np

from analysis.models.model import Conditions, Expectation, Model, SaturationLaw
from analysis.models.queues import PolledServer, ServiceTimes
from analysis.models.schedule import Prediction, Schedule
from contract.parameters import required


def poll_period_s(interval_s: float, answer_s: float, *, pause_after_answer: bool = False) -> float:
    """Return the effective time between two polls of one client, which never has two of them outstanding.

    On a fixed schedule it is the interval, or the time of an answer if that is longer; with a pause after each answer
    it is their sum.
    """
    return interval_s + answer_s if pause_after_answer else max(interval_s, answer_s)


def _period_s(conditions: Conditions) -> float:
    return poll_period_s(
        required(conditions.poll_interval_s), conditions.answer_s, pause_after_answer=conditions.pauses
    )


def _closed_form(conditions: Conditions) -> Expectation | None:
    """Return the expectation: a uniform wait of up to a poll period.

    Return None without a cursor unless events are evenly spaced, since the age of the latest event is not uniform.
    """
    if not conditions.keeps_cursor and conditions.arrival != "periodic":
        return None
    period_s = _period_s(conditions)
    empty_ratio = None
    if conditions.arrival == "periodic":
        empty_ratio = max(0.0, 1 - period_s * conditions.rate_per_s)
    elif conditions.arrival == "poisson":
        empty_ratio = math.exp(-conditions.rate_per_s * period_s)
    return Expectation(
        floor_s=conditions.one_way_delay_s,
        longest_wait_s=period_s if conditions.keeps_cursor else min(period_s, conditions.event_period_s),
        waiting_ratio=1.0,
        requests_per_s=1 / period_s,
        requests_per_event=1 / (conditions.rate_per_s * period_s),
        empty_ratio=empty_ratio,
    )


def _lost_ratio(conditions: Conditions) -> float | None:
    """Return the share of events lost without a cursor: those that are no longer the latest when a poll arrives."""
    if conditions.keeps_cursor:
        return 0.0
    period_s = _period_s(conditions)
    if conditions.arrival == "periodic":
        return max(0.0, 1 - conditions.event_period_s / period_s)
    if conditions.arrival == "poisson":
        expected = conditions.rate_per_s * period_s
        return 1 + math.expm1(-expected) / expected
    return None


def _answer_s(conditions: Conditions) -> float:
    return conditions.round_trip_s


def _on_schedule(schedule: Schedule) -> Prediction:
    """Deliver each event with the first poll that reaches the server at or after it, plus one transit.

    Polls are sent at t0 + phase + kP. P is the interval; if an answer takes longer, the client is always behind its
    schedule and polls when each answer arrives, so that P is the whole exchange. With a pause after each answer, P is
    the sum of both. Without a cursor a poll sees an event unless another one is due by then.
    """
    exchange_ns = schedule.connect_ns + 2 * schedule.one_way_ns + (schedule.turnaround_ns if schedule.pauses else 0)
    period_ns = round(poll_period_s(required(schedule.interval_ns), exchange_ns, pause_after_answer=schedule.pauses))
    first_sent_ns = schedule.t0_ns + schedule.phase_ns
    first_at_server_ns = first_sent_ns + schedule.connect_ns + schedule.one_way_ns
    after_first_ns = schedule.due_ns[None, :] - first_at_server_ns[:, None]
    wait_ns = np.where(after_first_ns > 0, -after_first_ns % period_ns, -after_first_ns)
    polls_before = [np.maximum(0, -((first_sent_ns - edge_ns) // period_ns)) for edge_ns in schedule.window_ns]
    reached = schedule.keeps_cursor | (schedule.next_due_ns[1:] > schedule.due_ns + wait_ns)
    return Prediction(wait_ns + schedule.one_way_ns, polls_before[1] - polls_before[0], reached)


def _with_queues(schedule: Schedule, times: ServiceTimes, seed: int) -> Prediction:
    first_ns: list[int] = (schedule.t0_ns + schedule.phase_ns).tolist()
    planned_ns = list(first_ns)
    interval_ns = required(schedule.interval_ns)

    def next_sent_ns(client: int, read_ns: int) -> int:
        if schedule.pauses:
            return read_ns + interval_ns
        # A client that is behind its schedule skips the polls for which it is too late, except the last of them.
        late_ns = max(0, read_ns - planned_ns[client] - interval_ns)
        planned_ns[client] += interval_ns * (1 + late_ns // interval_ns)
        return max(planned_ns[client], read_ns)

    return PolledServer(schedule, times, seed, holds=False).run(first_ns, next_sent_ns)


def poll_capacity_clients(interval_s: float, polls_per_s: float) -> float:
    """Return the number of clients that a server with this many polls per second can serve at this interval."""
    return interval_s * polls_per_s


def _saturated_at_clients(conditions: Conditions, service_s: float) -> float:
    """Return (Z + R + s) / s clients with a pause Z after each answer, or I / s on a schedule with the interval I."""
    interval_s = required(conditions.poll_interval_s)
    if conditions.pauses:
        return (interval_s + conditions.answer_s + service_s) / service_s
    return poll_capacity_clients(interval_s, 1 / service_s)


MODEL = Model(
    closed_form=_closed_form,
    on_schedule=_on_schedule,
    with_queues=_with_queues,
    law=SaturationLaw(per="request", saturated_at_clients=_saturated_at_clients),
    lost_ratio=_lost_ratio,
    answer_s=_answer_s,
    longest_wait_s=_period_s,
)
