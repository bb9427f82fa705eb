from __future__ import annotations

import dataclasses

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.models.queues import ServiceTimes, queue_starts_ns
from analysis.models.registry import MODELS
from analysis.models.schedule import Schedule
from contract.parameters import required
from contract.records import turnaround_delay_ns
from tests import queue_simulation
from tests.analysis.models.inputs import (
    SEED,
    schedules,
    service_times,
)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 1000)), st.integers(0, 300))
def test_a_queue_takes_up_each_job_when_it_is_done_with_those_before(at: list[int], work: int) -> None:
    at_ns = sorted(at)
    starts_ns = queue_starts_ns(np.asarray(at_ns, dtype=np.int64), work)
    assert (starts_ns + work).tolist() == queue_simulation.in_turn(at_ns, work)


@settings(max_examples=200, deadline=None)
@given(st.booleans(), st.booleans().flatmap(lambda pauses: schedules(pauses=pauses)), service_times())
def test_polls_queue_as_in_a_plain_simulation(holds: bool, schedule: Schedule, times: ServiceTimes) -> None:
    if not holds:
        times = dataclasses.replace(times, waking_ns=0)
    order = np.random.default_rng(SEED)
    planned_ns: list[int] = schedule.phase_ns.tolist()
    answers = [0] * len(planned_ns)

    def next_send_ns(client: int, read_ns: int) -> int:
        if holds:
            delay_ns = turnaround_delay_ns(
                schedule.turnaround_seed, client, answers[client], schedule.turnaround_jitter_ns
            )
            answers[client] += 1
            return read_ns + delay_ns
        interval_ns = required(schedule.interval_ns)
        if schedule.pauses:
            return read_ns + interval_ns
        planned_ns[client] += interval_ns
        while planned_ns[client] + interval_ns <= read_ns:
            planned_ns[client] += interval_ns
        return max(planned_ns[client], read_ns)

    oracle = queue_simulation.Polling(
        due_ns=schedule.due_ns.tolist(),
        to_server_ns=schedule.connect_ns + schedule.one_way_ns,
        to_client_ns=schedule.one_way_ns,
        answer_ns=times.answer_ns,
        waking_ns=times.waking_ns,
        read_ns=times.read_ns,
        hold_ns=schedule.hold_ns if holds else None,
        until_ns=schedule.window_ns[1],
        order=lambda clients: order.permutation(clients).tolist(),
        next_send_ns=next_send_ns,
    )
    oracle.run((schedule.first_poll_ns if holds else schedule.phase_ns).tolist())
    found = MODELS["long_poll" if holds else "short_poll"].with_queues(schedule, times, SEED)
    assert found.reached.all()
    for (client, place), arrival_ns in oracle.arrivals_ns.items():
        assert found.latency_ns[client, place] == arrival_ns - schedule.due_ns[place]
    start_ns, end_ns = schedule.window_ns
    for client, sent_ns in oracle.sent_ns.items():
        assert found.requests[client] == sum(start_ns <= at_ns < end_ns for at_ns in sent_ns)
