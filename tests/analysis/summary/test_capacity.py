from __future__ import annotations

import dataclasses

import pytest

from analysis.summary.capacity import (
    Calibration,
    Estimates,
    LoadPoint,
    Service,
    TrialLoad,
    calibrations,
    crossover_events_per_poll,
    fit_service,
    polls_per_s,
    sends_per_s,
    with_interval,
)
from analysis.trial.measures import measure
from tests.analysis.made_loads import BASE, Server, measured
from tests.fabricate import SMALL, first_trial, style


def calibration(transport: str, server: Server | None = None, blocks: int = 1) -> Calibration:
    [found] = calibrations(measured(server, [transport], blocks), BASE)
    return found


def estimates(transport: str, server: Server | None = None) -> Estimates:
    found = calibration(transport, server).estimate()
    assert found is not None
    return found


def test_a_push_costs_what_it_was_made_to_cost() -> None:
    found = estimates("websocket")
    assert found.service.poll_s == 0
    assert found.service.event_s == pytest.approx(25e-6)
    assert found.economy_ratio == pytest.approx(0.8, rel=0.02)
    assert sends_per_s(found) == pytest.approx(50_000, rel=0.02)


def test_a_poll_is_told_from_the_events_in_it() -> None:
    found = estimates("short_poll")
    assert found.service.poll_s == pytest.approx(200e-6)
    assert found.service.event_s == pytest.approx(5e-6)
    assert polls_per_s(found, 2.0) == pytest.approx(1 / (0.8 * 210e-6), rel=0.02)


def test_where_all_polls_bring_as_much_they_are_charged_with_it() -> None:
    found = estimates("long_poll")
    assert found.service.poll_s == pytest.approx(205e-6)
    assert found.service.event_s == 0


def test_no_cost_is_negative() -> None:
    server = Server()
    few, many = server.load("short_poll", 200), Server(poll_us=150).load("short_poll", 1000, poll_interval_s=0.5)
    fitted = fit_service([few, many])
    assert fitted.poll_s > 0
    assert fitted.event_s == 0


def test_idle_and_saturated_points_enter_no_service_time() -> None:
    found = calibration("websocket")
    assert [point.parameters.clients for point in found.busy] == [800]
    assert [point.parameters.clients for point in found.saturated] == [4000]
    assert calibrations([Server().load("websocket", 100), Server().load("websocket", 4000)], BASE) == []


def test_a_server_that_used_all_that_its_machine_left_it_was_full() -> None:
    took_less = Server().load("websocket", 4000)
    hindered = dataclasses.replace(took_less, server_cpu_s=0.85 * took_less.window_s)
    assert LoadPoint((hindered,)).busy
    assert LoadPoint((dataclasses.replace(hindered, server_core_s=0.9 * hindered.window_s),)).saturated


def test_points_at_other_rates_and_choices_enter_no_service_time() -> None:
    other = [Server(push_us=99).load("websocket", 800, rate_per_s=10.0, payload_bytes=100)]
    bigger = [Server(push_us=99).load("websocket", 800, payload_bytes=1000)]
    [found] = calibrations([*measured(transports=["websocket"]), *other, *bigger], BASE)
    assert found.estimate() == estimates("websocket")


def test_the_crossover_is_where_both_capacities_meet() -> None:
    push, poll = estimates("websocket"), estimates("short_poll")
    at = crossover_events_per_poll(push, poll)
    assert at is not None
    assert at == pytest.approx(200 / (25 - 5), rel=0.03)
    assert at == pytest.approx(sends_per_s(push) / polls_per_s(poll, at))


def test_polling_never_wins_where_an_event_in_it_costs_as_much_as_a_pushed_one() -> None:
    server = Server(event_us=25.0)
    assert crossover_events_per_poll(estimates("websocket", server), estimates("short_poll", server)) is None


def test_saturated_and_unsaturated_service_times_are_not_compared() -> None:
    unsaturated = Estimates(Service(0.0, 25e-6), None)
    polled = Estimates(Service(200e-6, 5e-6), 0.5)
    assert crossover_events_per_poll(unsaturated, polled) == pytest.approx(10.0)


def test_intervals_come_from_the_spread_between_blocks() -> None:
    several = with_interval([calibration("websocket", blocks=3)], lambda one: one.service.event_s)
    assert several["ci95"][0] < 25.5e-6 < several["ci95"][1]
    assert several["value"] == pytest.approx(25.5e-6)
    alone = with_interval([calibration("websocket")], lambda one: one.service.event_s)
    assert alone["ci95"] is None


def test_a_block_without_a_busy_trial_gives_no_interval() -> None:
    loads = measured(transports=["websocket"], blocks=2)
    halved = [load for load in loads if load.block == 0 or load.parameters.clients == 4000]
    [found] = calibrations(halved, BASE)
    estimate = with_interval([found], lambda one: one.service.event_s)
    assert estimate == {"value": pytest.approx(25e-6), "ci95": None}


@pytest.mark.parametrize("transport", ["websocket", "short_poll"])
def test_a_trials_load_is_that_of_its_window(transport: str) -> None:
    _, trial = first_trial(transport, SMALL)
    found = measure(trial, style(transport))
    load = TrialLoad.of(found, style(transport))
    assert load is not None
    assert load.server_cpu_s == pytest.approx(0.2 * load.window_s, rel=0.05)
    assert load.deliveries == found.deliveries
    assert bool(load.polls) == (transport == "short_poll")
    assert load.socket_bytes is not None and load.payload_bytes is not None
    assert load.socket_bytes > load.payload_bytes > 0
    assert load.reach_beyond_model_ms == pytest.approx(0.0, abs=5.0)


def test_no_interval_reaches_below_zero() -> None:
    uneven = [
        load
        for block, event_us in enumerate((0.0, 0.0, 6.0))
        for load in measured(Server(event_us=event_us), ["short_poll"], blocks=block + 1)
        if load.block == block
    ]
    [found] = calibrations(uneven, BASE)
    bounds = with_interval([found], lambda one: one.service.event_s)["ci95"]
    assert bounds[0] == 0.0
    assert bounds[1] > 2e-6
