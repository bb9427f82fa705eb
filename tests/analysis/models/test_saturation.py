from __future__ import annotations

import math

import pytest

from analysis.models import saturation


def test_fan_out() -> None:
    assert saturation.fan_out_mean_s(1000, 24e-6, 0.025) == pytest.approx(0.025 + 1001 * 12e-6)
    assert saturation.fan_out_max_s(1000, 24e-6, 0.025) == pytest.approx(0.049)
    queued = saturation.fan_out_mean_s(1000, 24e-6, 0.0, rate_per_s=20.0) - saturation.fan_out_mean_s(1000, 24e-6, 0.0)
    assert queued == pytest.approx(0.48 * 0.024 / (2 * 0.52))
    assert saturation.fan_out_mean_s(1000, 24e-6, 0.0, rate_per_s=50.0) == math.inf


def test_short_polls_reach_the_servers_limit_at_the_knee() -> None:
    knee = saturation.short_poll_knee_clients(1.0, 0.05, 0.001)
    assert knee == pytest.approx(1051)
    assert saturation.short_poll_requests_per_s(round(knee), 1.0, 0.05, 0.001) == pytest.approx(1000)
    assert saturation.short_poll_requests_per_s(10_000, 1.0, 0.05, 0.001) == 1000
    assert saturation.short_poll_requests_per_s(105, 1.0, 0.05, 0.0001) == pytest.approx(105 / 1.0501)


def test_both_hold_the_same_number_of_clients_at_the_crossover() -> None:
    interval_s = saturation.crossover_interval_s(rate_per_s=2.0, sends_per_s=40_000, polls_per_s=6_000)
    assert saturation.poll_capacity_clients(interval_s, 6_000) == pytest.approx(
        saturation.push_capacity_clients(2.0, 40_000)
    )


def test_both_send_the_same_bytes_at_the_crossover() -> None:
    interval_s = saturation.bytes_crossover_interval_s(rate_per_s=2.0, header_bytes=280, framing_bytes=2)
    assert saturation.poll_bytes_per_event(100, 280, 2.0, interval_s) == pytest.approx(
        saturation.websocket_bytes_per_event(100)
    )
    assert saturation.websocket_bytes_per_event(126) == 130


def test_a_saturated_long_poll_answers_each_client_once_a_round() -> None:
    assert saturation.long_poll_saturated_cycle_s(1000, 20e-6, 30e-6) == pytest.approx(0.05)
