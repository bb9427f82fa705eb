from __future__ import annotations

from loadtests.plan.durations import (
    connect_patience_s,
    drain_limit_s,
    lag_period_ns,
    stream_lead_ms,
    trial_seconds,
)
from tests.made_parameters import parameters


def test_nobody_is_cut_off_who_is_only_waiting_for_his_turn() -> None:
    base = parameters(one_way_delay_ms=25)
    assert drain_limit_s(base.replace(poll_interval_s=5.0)) > 5.0
    assert drain_limit_s(base.replace(hold_s=30.0)) > 30.0
    jitter = {"hold_s": 30.0, "turnaround_jitter_ms": 1000}
    assert drain_limit_s(base.replace(**jitter)) == drain_limit_s(base.replace(hold_s=30.0)) + 1
    assert drain_limit_s(base) > 0.05


def test_many_clients_are_given_the_time_that_they_take_to_connect() -> None:
    few, many = (trial_seconds(parameters(clients=clients)) for clients in (10, 10_000))
    assert many - few > 5
    assert connect_patience_s(parameters(clients=10_000)) > 5 * (many - few)


def test_a_stream_waits_longer_for_many_clients_to_be_told_of_it() -> None:
    assert [stream_lead_ms(parameters(clients=clients)) for clients in (1, 1000, 10_000)] == [40, 60, 240]


def test_a_load_looks_at_itself_seldom_but_not_too_seldom_for_a_short_trial() -> None:
    periods_ns = [lag_period_ns(parameters(measured_s=seconds)) for seconds in (1.2, 2, 4.0, 5, 60)]
    assert periods_ns == [200_000_000, 200_000_000, 400_000_000, 500_000_000, 500_000_000]
