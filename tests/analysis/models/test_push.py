from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings

from analysis.models.model import Conditions
from analysis.models.push import push_capacity_clients
from analysis.models.queues import ServiceTimes
from analysis.models.registry import MODELS
from analysis.models.schedule import Schedule
from tests import queue_simulation
from tests.analysis.models.inputs import (
    DELAY_S,
    SEED,
    US,
    schedule,
    schedules,
    service_times,
)


@settings(max_examples=100, deadline=None)
@given(schedules(), service_times())
def test_pushes_to_all_clients_are_made_one_after_the_other(schedule: Schedule, times: ServiceTimes) -> None:
    clients = len(schedule.phase_ns)
    found = MODELS["push"].with_queues(schedule, times, SEED)
    copies = np.repeat(schedule.due_ns, clients).tolist()
    left_ns = np.asarray(queue_simulation.in_turn(copies, times.answer_ns), dtype=np.int64)
    expected_ns = left_ns.reshape(len(schedule.due_ns), clients).T + schedule.one_way_ns - schedule.due_ns
    assert np.array_equal(found.latency_ns, expected_ns)
    assert not found.requests.any()


def test_the_laws_of_fan_out_are_those_of_a_burst_that_is_sent_one_by_one() -> None:
    law = MODELS["push"].law
    assert law is not None
    assert law.broadcast_mean_s is not None
    assert law.broadcast_max_s is not None
    assert law.broadcast_mean_s(1000, 24e-6, 0.025) == pytest.approx(0.025 + 1001 * 12e-6)
    assert law.broadcast_max_s(1000, 24e-6, 0.025) == pytest.approx(0.049)
    burst = dataclasses.replace(schedule(1.0, 1.0, arrival="periodic", clients=1000), due_ns=np.asarray([0]))
    latency_ns = MODELS["push"].with_queues(burst, ServiceTimes(24 * US), SEED).latency_ns
    assert latency_ns.mean() / 1e9 == pytest.approx(law.broadcast_mean_s(1000, 24e-6, DELAY_S))
    assert latency_ns.max() / 1e9 == pytest.approx(law.broadcast_max_s(1000, 24e-6, DELAY_S))


def test_the_server_is_full_when_sending_to_all_takes_as_long_as_until_the_next_event() -> None:
    law = MODELS["push"].law
    assert law is not None
    assert law.saturated_at_clients(Conditions(2.0, "poisson", DELAY_S), 25e-6) == pytest.approx(20_000)
    assert push_capacity_clients(2.0, 40_000) == pytest.approx(20_000)
