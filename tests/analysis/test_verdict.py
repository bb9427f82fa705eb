from __future__ import annotations

import copy
import dataclasses
from pathlib import Path
from typing import Any

import pytest

from analysis.summarize import summarize_run
from analysis.verdict import verdict
from loadtests.records import JsonObject
from tests.fabricate import ECHO, SMALL, Fabrication, fabricate_run


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> JsonObject:
    return summarize_run(fabricate_run(tmp_path_factory.mktemp("run"), SMALL))


def changed(summary: JsonObject, transport: str, **changes: Any) -> JsonObject:
    """A copy with a point's keys (`a__b` for nested ones) set."""
    found = copy.deepcopy(summary)
    for point in found["points"]:
        if point["transport"] == transport:
            for path, value in changes.items():
                *parents, last = path.split("__")
                at = point
                for parent in parents:
                    at = at[parent]
                at[last] = value
    return found


def differing(summary: JsonObject, transport: str, **differences: tuple[float, float, float]) -> JsonObject:
    """A copy in which a point differs from the reference by (value, low, high) in `p50`, `p95` or `mean`."""
    return changed(
        summary,
        transport,
        **{
            f"against_reference__{name}_difference_ms": {"value": value, "ci95": [low, high]}
            for name, (value, low, high) in differences.items()
        },
    )


def clause(summary: JsonObject, label: str) -> str:
    [found] = [part for part in verdict(summary).split("; ") if part.startswith(label)]
    return found


def test_a_difference_that_the_clocks_hide_is_not_told(measured: JsonObject) -> None:
    hidden = changed(
        measured,
        "long_poll",
        against_reference__p50_difference_ms=None,
        against_reference__clock_uncertainty_ms=0.68,
    )
    assert clause(hidden, "Long poll").startswith("Long poll: not known to ±0.680 ms, for")


def test_who_is_slower_by_how_much_and_at_what_cost(measured: JsonObject) -> None:
    said = verdict(measured)
    assert said.startswith(
        "With 6 clients, 10 events/s, Poisson arrivals and 25 ms one way, WebSocket delivers in p50 25."
    )
    assert "slower by" in clause(measured, "Short poll every 1 s")
    assert "µs of server CPU" in clause(measured, "Short poll every 1 s")
    assert "requests" in clause(measured, "Long poll")
    assert said.endswith(".") and "\n" not in said


def test_a_difference_within_its_interval_is_none(measured: JsonObject) -> None:
    assert "no detectable difference" in clause(measured, "SSE")


def test_equal_medians_do_not_hide_a_longer_tail(measured: JsonObject) -> None:
    tail = differing(measured, "long_poll", p50=(2.6, -7.8, 13.1), p95=(44.9, 34.7, 55.2), mean=(12.4, 8.6, 16.3))
    said = clause(tail, "Long poll")
    assert "no detectable difference at p50" in said
    assert "slower by 44.9 ms [34.7, 55.2] at p95" in said


def test_a_difference_in_the_mean_alone_is_told(measured: JsonObject) -> None:
    said = clause(
        differing(measured, "long_poll", p50=(0.1, -1, 1), p95=(30, -10, 70), mean=(12.4, 8.6, 16.3)), "Long poll"
    )
    assert "slower by 12.4 ms [8.60, 16.3] at the mean" in said


def test_what_is_small_and_within_its_interval_is_told_once(measured: JsonObject) -> None:
    alike = differing(measured, "sse", p50=(-0.14, -0.3, 0.1), p95=(-0.3, -1.2, 0.5), mean=(-0.15, -0.4, 0.1))
    alike = changed(alike, "sse", latency_ms__p50=0.9, latency_ms__p95=1.5, latency_ms__mean=0.9)
    assert "SSE: no detectable difference (−0.140 ms [−0.300, 0.100] at p50), for" in clause(alike, "SSE")


def test_a_wide_interval_around_a_large_difference_is_no_tie(measured: JsonObject) -> None:
    wide = differing(measured, "long_poll", p50=(0.1, -1, 1), p95=(44, -20, 107), mean=(7, -9, 23))
    assert "tie" not in clause(wide, "Long poll")
    assert "no detectable difference at p95 (+44.0 ms [−20.0, 107])" in clause(wide, "Long poll")


def test_a_faster_transport_is_said_to_be_faster(measured: JsonObject) -> None:
    said = clause(differing(measured, "sse", p50=(-9, -10, -8), p95=(-9, -10, -8), mean=(-9, -10, -8)), "SSE")
    assert "faster by 9.00 ms [8.00, 10.0] at p50" in said


def test_a_small_but_certain_difference_is_a_practical_tie(measured: JsonObject) -> None:
    small = (0.5, 0.45, 0.55)
    assert "a tie for practical purposes" in clause(differing(measured, "sse", p50=small, p95=small, mean=small), "SSE")


def test_on_loopback_half_a_millisecond_is_no_tie(measured: JsonObject) -> None:
    small = (0.5, 0.45, 0.55)
    fast = changed(measured, "sse", latency_ms__p50=1.0, latency_ms__p95=1.2, latency_ms__mean=1.0)
    assert "slower by 0.500 ms" in clause(differing(fast, "sse", p50=small, p95=small, mean=small), "SSE")


def test_the_negative_control_is_a_tie(tmp_path: Path) -> None:
    fabrication = dataclasses.replace(SMALL, transports=("websocket", "sse", "long_poll"), arrival="periodic")
    said = verdict(summarize_run(fabricate_run(tmp_path, fabrication)))
    assert "a tie: WebSocket delivers in" in said
    assert said.count("no detectable difference") + said.count("a tie for practical purposes") == 2


def test_one_slower_transport_is_no_tie(measured: JsonObject) -> None:
    assert "a tie:" not in verdict(measured)


def test_where_polling_is_cheaper_is_said_as_plainly(measured: JsonObject) -> None:
    cheap = changed(measured, "short_poll", server_cpu_us_per_event=10.0, bytes_per_event__total=50.0)
    said = verdict(cheap)
    assert "polling is cheaper than WebSocket in server CPU per event (Short poll every 1 s: 10.0 against" in said
    assert "bytes per event (Short poll every 1 s: 50.0 against" in said


def test_where_polling_is_not_cheaper_that_is_said_too(measured: JsonObject) -> None:
    dear = changed(measured, "short_poll", server_cpu_us_per_event=1e6, bytes_per_event__total=1e6)
    dear = changed(dear, "long_poll", server_cpu_us_per_event=1e6, bytes_per_event__total=1e6)
    assert "polling is nowhere cheaper than WebSocket here" in verdict(dear)


def test_cheaper_in_a_sweep_names_the_point(tmp_path: Path) -> None:
    fabrication = dataclasses.replace(SMALL, rates_per_s=(1.0, 50.0), transports=("websocket", "short_poll"))
    summary = summarize_run(fabricate_run(tmp_path, fabrication))
    for point in summary["points"]:
        if point["transport"] == "short_poll" and point["parameters"]["rate_per_s"] == 50.0:
            point["bytes_per_event"]["total"] = 20.0
    assert "Short poll every 1 s at 50 events/s: 20.0 against" in verdict(summary)


def test_unmeasured_costs_are_left_out(measured: JsonObject) -> None:
    bare = measured
    for name in ("websocket", "sse", "long_poll", "short_poll"):
        bare = changed(bare, name, server_cpu_us_per_event=None)
    assert "CPU" not in verdict(bare)


def test_a_round_trip_has_its_own_words(tmp_path: Path) -> None:
    fabrication = Fabrication(transports=ECHO, intervals_s=(), rates_per_s=(), arrival="periodic", measured_s=4.0)
    said = verdict(summarize_run(fabricate_run(tmp_path, fabrication)))
    assert "a message is there and back over WebSocket echo in p50 50." in said
    assert "delivers" not in said
    assert "POST echo, new connection: slower by 50." in said


def test_an_invalid_run_compares_nothing(measured: JsonObject) -> None:
    reasons = ["SSE, trial 001-sse: 1 of 9 deliveries lost", "b", "c"]
    said = verdict({**measured, "valid": False, "invalid_reasons": reasons})
    assert said == "INVALID: SSE, trial 001-sse: 1 of 9 deliveries lost (and 2 more reasons)."


def test_no_verdict_without_the_reference(measured: JsonObject) -> None:
    assert verdict({**measured, "base_point": None}).startswith("No verdict: WebSocket has no finished trial")


def test_one_trial_claims_no_interval(measured: JsonObject) -> None:
    lone = {"value": 500.0, "ci95": None}
    said = changed(
        measured,
        "short_poll",
        against_reference__p50_difference_ms=lone,
        against_reference__p95_difference_ms=lone,
        against_reference__mean_difference_ms=lone,
        latency_ms__p50_ci95=None,
    )
    assert "slower by 500 ms (one trial, no interval) at p50" in clause(said, "Short poll every 1 s")
