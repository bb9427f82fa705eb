"""Phases and periods of clients, and the local ports that they hold."""

from __future__ import annotations

import itertools
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from contract.records import PlannedTrial
from loadtests.plan.population import locked_phases_ns, ports_held, schedule_period_s, spread_phases_ns
from tests.made_parameters import parameters

SHORT = parameters(poll_interval_s=0.5, one_way_delay_ms=25, rate_per_s=10)


@given(st.integers(1, 50), st.integers(0, 1000))
def test_spread_phases_are_evenly_apart_and_locked_ones_the_same(count: int, seed: int) -> None:
    phases_ns = sorted(spread_phases_ns(count, 0.5, seed))
    assert all(0 <= phase_ns < 500_000_000 for phase_ns in phases_ns)
    gaps_ns = [b - a for a, b in itertools.pairwise(phases_ns)]
    assert all(abs(gap_ns - 500_000_000 / count) < 10 for gap_ns in gaps_ns)
    [locked_ns] = set(locked_phases_ns(count, 0.5, seed))
    assert 0 <= locked_ns < 500_000_000


def test_locked_phases_are_drawn_anew_by_each_seed() -> None:
    assert len({locked_phases_ns(3, 1.0, seed)[0] for seed in range(20)}) == 20
    assert locked_phases_ns(3, 1.0, 4) == locked_phases_ns(3, 1.0, 4)


def test_clients_are_spread_over_the_period_at_which_they_poll() -> None:
    assert schedule_period_s("short_poll", SHORT) == 0.5
    assert schedule_period_s("short_poll", SHORT.replace(pacing="pause")) == 0.55
    assert schedule_period_s("short_poll", SHORT.replace(pacing="pause", keep_alive=False)) == 0.6
    assert schedule_period_s("long_poll", SHORT) == 0
    assert schedule_period_s("echo_post", SHORT) == 0.1


def trial(transport: str, **changes: Any) -> PlannedTrial:
    return PlannedTrial(0, 0, 0, transport, parameters(**{"clients": 100, "rate_per_s": 2.0, **changes}), 1)


def test_a_client_that_keeps_its_connection_needs_one_port() -> None:
    for transport in ("websocket", "sse", "echo_websocket", "echo_post"):
        assert ports_held(trial(transport)) == 100
    assert ports_held(trial("short_poll", poll_interval_s=0.1, keep_alive=True)) == 100


def test_ports_of_closed_connections_rest_for_a_minute_or_as_long_as_the_trial() -> None:
    # 9 s of stream and one more turn, at most: 10 polls a second each.
    assert ports_held(trial("short_poll", poll_interval_s=0.1, keep_alive=False)) == 100 * (1 + 91)
    assert ports_held(trial("short_poll", poll_interval_s=1, keep_alive=False, measured_s=600)) == 100 * (1 + 60)
    assert ports_held(trial("long_poll", hold_s=1, keep_alive=False, measured_s=600)) == 100 * (1 + 3 * 60)
    assert ports_held(trial("echo_post_new", measured_s=600)) == 100 * (1 + 2 * 60)
