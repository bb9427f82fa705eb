from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.models.own_schedule import Prediction, Schedule, predict
from analysis.models.queue_model import ServiceTimes, predict_queued, queue_starts_ns
from contract.records import turnaround_delay_ns
from tests import queue_simulation

MS = 1_000_000
US = 1_000
SEED = 7
KINDS = ("push", "short_poll", "long_poll", "round_trip", "round_trip_new_connection")


@st.composite
def schedules(draw: st.DrawFn, *, keeps_cursor: bool = True, pauses: bool = False) -> Schedule:
    clients = draw(st.integers(1, 6))
    dues_ns = draw(st.lists(st.integers(0, 400 * MS), max_size=25))
    times_ns = st.lists(st.integers(-50 * MS, 60 * MS), min_size=clients, max_size=clients)
    one_way_ns = draw(st.sampled_from([0, 1 * MS, 25 * MS]))
    return Schedule(
        due_ns=np.asarray(sorted(dues_ns), dtype=np.int64),
        phase_ns=np.asarray([abs(phase) for phase in draw(times_ns)], dtype=np.int64),
        first_ask_ns=np.asarray(draw(times_ns), dtype=np.int64),
        t0_ns=0,
        window_ns=(50 * MS, 300 * MS),
        one_way_ns=one_way_ns,
        interval_ns=draw(st.integers(5 * MS, 120 * MS)),
        hold_ns=draw(st.integers(50 * MS, 500 * MS)),
        turnaround_jitter_ns=draw(st.sampled_from([0, 30 * MS])),
        turnaround_seed=draw(st.integers(0, 2**50)),
        connect_ns=draw(st.sampled_from([0, 2 * one_way_ns])),
        one_at_a_time=draw(st.booleans()),
        keeps_cursor=keeps_cursor,
        pauses=pauses,
    )


@st.composite
def service_times(draw: st.DrawFn) -> ServiceTimes:
    answer_ns = draw(st.integers(0, 4 * MS))
    return ServiceTimes(answer_ns, draw(st.integers(0, answer_ns)), draw(st.integers(0, 2 * MS)))


def assert_same(found: Prediction, expected: Prediction) -> None:
    assert np.array_equal(found.reached, expected.reached)
    assert np.array_equal(found.latency_ns[found.reached], expected.latency_ns[expected.reached])
    assert np.array_equal(found.requests, expected.requests)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(KINDS), st.booleans().flatmap(lambda keeps: schedules(keeps_cursor=keeps)))
def test_without_service_times_it_is_the_plain_model(kind: str, schedule: Schedule) -> None:
    assert_same(predict_queued(kind, schedule, ServiceTimes(0), SEED), predict(kind, schedule))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 1000)), st.integers(0, 300))
def test_a_queue_takes_up_each_job_when_it_is_done_with_those_before(at: list[int], work: int) -> None:
    at_ns = sorted(at)
    starts_ns = queue_starts_ns(np.asarray(at_ns, dtype=np.int64), work)
    assert (starts_ns + work).tolist() == queue_simulation.in_turn(at_ns, work)


@settings(max_examples=100, deadline=None)
@given(schedules(), service_times())
def test_pushes_to_all_clients_are_made_one_after_the_other(schedule: Schedule, times: ServiceTimes) -> None:
    clients = len(schedule.phase_ns)
    found = predict_queued("push", schedule, times, SEED)
    copies = np.repeat(schedule.due_ns, clients).tolist()
    left_ns = np.asarray(queue_simulation.in_turn(copies, times.answer_ns), dtype=np.int64)
    expected_ns = left_ns.reshape(len(schedule.due_ns), clients).T + schedule.one_way_ns - schedule.due_ns
    assert np.array_equal(found.latency_ns, expected_ns)
    assert not found.requests.any()


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
        if schedule.pauses:
            return read_ns + schedule.interval_ns
        planned_ns[client] += schedule.interval_ns
        while planned_ns[client] + schedule.interval_ns <= read_ns:
            planned_ns[client] += schedule.interval_ns
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
    oracle.run((schedule.first_ask_ns if holds else schedule.phase_ns).tolist())
    found = predict_queued("long_poll" if holds else "short_poll", schedule, times, SEED)
    assert found.reached.all()
    for (client, place), arrival_ns in oracle.arrivals_ns.items():
        assert found.latency_ns[client, place] == arrival_ns - schedule.due_ns[place]
    start_ns, end_ns = schedule.window_ns
    for client, sent_ns in oracle.sent_ns.items():
        assert found.requests[client] == sum(start_ns <= at_ns < end_ns for at_ns in sent_ns)


@settings(max_examples=100, deadline=None)
@given(schedules(), service_times())
def test_round_trips_queue_as_in_a_plain_simulation(schedule: Schedule, times: ServiceTimes) -> None:
    found = predict_queued("round_trip", schedule, times, SEED)
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


def test_a_jitter_of_the_clients_spreads_the_herd() -> None:
    times = ServiceTimes(answer_ns=300 * US, waking_ns=100 * US)
    schedule = herd(turnaround_jitter_ns=40 * MS, turnaround_seed=4)
    found = predict_queued("long_poll", schedule, times, SEED)
    delays_ns = [turnaround_delay_ns(4, client, 0, 40 * MS) for client in range(2)]
    assert abs(delays_ns[0] - delays_ns[1]) > 1 * MS, "so they do not meet"
    for client, delay_ns in enumerate(delays_ns):
        answered_ns = found.latency_ns[client, 0] + 100 * MS
        asked_ns = answered_ns + delay_ns + 25 * MS
        assert found.latency_ns[client, 1] == asked_ns + 300 * US + 25 * MS - 120 * MS


def herd(**changes: Any) -> Schedule:
    """Two long polls that are held when an event is due at 100 ms, and another one while they are deaf."""
    return dataclasses.replace(
        Schedule(
            due_ns=np.asarray([100 * MS, 120 * MS], dtype=np.int64),
            phase_ns=np.zeros(2, dtype=np.int64),
            first_ask_ns=np.asarray([-300 * MS, -200 * MS], dtype=np.int64),
            t0_ns=0,
            window_ns=(0, 300 * MS),
            one_way_ns=25 * MS,
            hold_ns=30_000 * MS,
        ),
        **changes,
    )


def test_a_herd_is_answered_one_after_the_other_and_meets_again_at_the_server() -> None:
    times = ServiceTimes(answer_ns=300 * US, waking_ns=100 * US, read_ns=50 * US)
    found = predict_queued("long_poll", herd(), times, SEED)
    # Answers leave at 100.1 and 100.2 and are read 0.05 ms after they arrive; the requests come at 150.15 and 150.25.
    assert sorted(found.latency_ns[:, 0].tolist()) == [25 * MS + 100 * US, 25 * MS + 200 * US]
    # Both find the event of 120 ms: the first answer leaves at 150.45, the second one after it, at 150.75.
    assert sorted(found.latency_ns[:, 1].tolist()) == [55 * MS + 450 * US, 55 * MS + 750 * US]


def test_each_process_of_the_load_reads_for_itself() -> None:
    times = ServiceTimes(answer_ns=300 * US, waking_ns=100 * US, read_ns=5 * MS)
    alone = predict_queued("long_poll", herd(), times, SEED)
    shared = predict_queued("long_poll", herd(load_process=np.asarray([0, 1])), times, SEED)
    # One process needs 10 ms for both answers, two need 5 ms: the second request then comes 0.1 ms after the first.
    assert sorted(alone.latency_ns[:, 1].tolist()) == [60 * MS + 400 * US, 65 * MS + 400 * US]
    assert sorted(shared.latency_ns[:, 1].tolist()) == [60 * MS + 400 * US, 60 * MS + 700 * US]


def test_an_event_that_falls_due_while_the_server_is_busy_is_published_when_its_turn_comes() -> None:
    # The requests that come back at 150.1 and 150.2 keep the server busy to 150.7: the event of 150.3 waits for that.
    schedule = herd(due_ns=np.asarray([100 * MS, 150 * MS + 300 * US], dtype=np.int64))
    found = predict_queued("long_poll", schedule, ServiceTimes(answer_ns=400 * US, waking_ns=100 * US), SEED)
    assert sorted(found.latency_ns[:, 1].tolist()) == [25 * MS + 500 * US, 25 * MS + 600 * US]


def test_an_unknown_kind_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        predict_queued("carrier_pigeon", herd(), ServiceTimes(0), SEED)
