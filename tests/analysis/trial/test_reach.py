"""Within what time an event reaches 99 % of the clients, beside a plain loop."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.summary.pooling import pool
from analysis.trial import reach
from analysis.trial.measures import measure
from analysis.trial.reach import mean_reach_ms
from contract import quantiles
from tests.fabricate import ECHO, SMALL, first_trial, style


@given(
    clients=st.integers(1, 30), events=st.integers(0, 8), seed=st.integers(0, 99), step=st.sampled_from([1, 40, 10**6])
)
def test_it_is_the_mean_of_each_events_own_quantile(clients: int, events: int, seed: int, step: int) -> None:
    rng = np.random.default_rng(seed)
    latency_ns = rng.integers(-5_000_000, 90_000_000, (clients, events))
    counted = rng.random((clients, events)) < 0.8
    each = [
        quantiles.quantiles(latency_ns[counted[:, event], event], [0.99])[0]
        for event in range(events)
        if counted[:, event].any()
    ]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(reach, "_CELLS_AT_ONCE", step)
        found = mean_reach_ms(latency_ns, counted)
    assert found == (pytest.approx(np.mean(each) / 1e6) if each else None)


def test_a_push_reaches_all_its_clients_after_one_transit_and_the_systems_own_time() -> None:
    _, trial = first_trial("websocket", SMALL)
    found = pool([measure(trial, style("websocket"))], style("websocket"))["reach_ms"]
    assert found["model_p99"] == 25.0
    assert 25.0 < found["p99"] < 26.0
    assert found["p99_ci95"] is None


def test_round_trips_have_none() -> None:
    _, trial = first_trial("echo_post", dataclasses.replace(SMALL, transports=ECHO))
    assert pool([measure(trial, style("echo_post"))], style("echo_post"))["reach_ms"] is None
