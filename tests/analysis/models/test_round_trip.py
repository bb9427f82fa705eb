from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings

from analysis.models.queues import ServiceTimes
from analysis.models.registry import MODELS
from analysis.models.schedule import Schedule
from tests import queue_simulation, simulation
from tests.analysis.models.inputs import (
    DELAY_S,
    SEED,
    expectation,
    schedule,
    schedules,
    service_times,
)


def test_round_trips() -> None:
    assert expectation("round_trip").mean_s == pytest.approx(2 * DELAY_S)
    assert expectation("round_trip").requests_per_event == 0
    posted = expectation("round_trip_new_connection", arrival="periodic", rate_per_s=5.0, requests_per_message=True)
    assert posted.mean_s == pytest.approx(4 * DELAY_S)
    assert (posted.requests_per_event, posted.requests_per_s) == (1, 5)


def test_messages_that_wait_for_each_other() -> None:
    own = dataclasses.replace(schedule(30.0, 4.0), one_at_a_time=True)
    due_ns = own.due_ns[None, :] + own.phase_ns[:, None]
    expected = [simulation.one_at_a_time(due, 100_000_000) for due in due_ns.tolist()]
    assert np.array_equal(
        MODELS["round_trip_new_connection"].on_schedule(own).latency_ns, np.asarray(expected) - due_ns
    )


@settings(max_examples=100, deadline=None)
@given(schedules(), service_times())
def test_round_trips_queue_as_in_a_plain_simulation(schedule: Schedule, times: ServiceTimes) -> None:
    found = MODELS["round_trip"].with_queues(schedule, times, SEED)
    due_ns = schedule.due_ns[None, :] + schedule.phase_ns[:, None]
    if not schedule.one_at_a_time:
        came_ns = np.sort(due_ns, axis=None) + schedule.one_way_ns
        done_ns = np.asarray(queue_simulation.in_turn(came_ns.tolist(), times.answer_ns), dtype=np.int64)
        latency_ns = done_ns + schedule.one_way_ns - np.sort(due_ns, axis=None)
        assert found.latency_ns.sum() == latency_ns.sum()
        return
    waiting = [(int(own_ns[0]), client, 0) for client, own_ns in enumerate(due_ns) if len(own_ns)]
    server_free_ns = load_free_ns = -(10**18)
    while waiting:
        sent_ns, client, place = min(waiting)
        waiting.remove((sent_ns, client, place))
        server_free_ns = max(server_free_ns, sent_ns + schedule.one_way_ns) + times.answer_ns
        arrival_ns = server_free_ns + schedule.one_way_ns
        assert found.latency_ns[client, place] == arrival_ns - due_ns[client, place]
        load_free_ns = max(load_free_ns, arrival_ns) + times.read_ns
        if place + 1 < due_ns.shape[1]:
            waiting.append((max(load_free_ns, int(due_ns[client, place + 1])), client, place + 1))
