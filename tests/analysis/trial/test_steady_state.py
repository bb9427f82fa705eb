"""What is counted in a window is a steady state's, or is not said."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from analysis.trial.steady_state import expected_read_ratio, unsteady_reason
from contract.records import JsonObject, PlannedTrial, TrialInfo
from loadtests.plan.blocks import plan_trials
from loadtests.plan.scenario_file import load_scenario, shipped_scenarios
from tests.fabricate import Fabrication, fabricate_run, first_trial, style
from tests.fabricate_trial import Faults
from tests.runs import summarized

SLOW = Fabrication(
    intervals_s=(0.25, 1.0, 5.0), rates_per_s=(), clients=10, warm_up_s=0.2, measured_s=2.0, noise_ms=0.0
)


def counted_read_ratio(interval_s: float, before_s: float, window_s: float, phases: int = 400) -> float:
    """By counting: events 1 ms apart from the stream's start on, clients that poll from then on with every phase."""
    due_s = np.arange(0.0005, before_s + window_s, 0.001)
    first_s = (np.arange(phases) + 0.5) / phases * interval_s
    after_first_s = due_s[None, :] - first_s[:, None]
    read_s = np.where(
        after_first_s > 0, due_s[None, :] + -after_first_s % interval_s, np.broadcast_to(first_s[:, None], (phases, 1))
    )
    within = ((read_s >= before_s) & (read_s < before_s + window_s)).sum()
    return float(within / phases / (due_s >= before_s).sum())


@pytest.mark.parametrize(
    ("interval_s", "before_s", "window_s", "published"),
    # The audit of a run whose warm-up was 0.2 s for all had 24, 46 and 81 to 83 %.
    [(5.0, 0.2, 2.0, 0.24), (2.5, 0.2, 2.0, 0.48), (1.0, 0.2, 2.0, 0.84), (5.0, 5.0, 2.0, 1.0), (0.5, 2.0, 2.0, 1.0)],
)
def test_deliveries_read_over_those_due_follow_from_how_early_the_stream_began(
    interval_s: float, before_s: float, window_s: float, published: float
) -> None:
    found = expected_read_ratio(interval_s, before_s, window_s)
    assert found == pytest.approx(published, abs=0.01)
    assert found == pytest.approx(counted_read_ratio(interval_s, before_s, window_s), abs=0.005)


def test_what_is_pushed_waits_for_nothing() -> None:
    assert expected_read_ratio(0.0, 0.1, 2.0) == pytest.approx(1.0)


def info_of(planned: PlannedTrial) -> TrialInfo:
    _, trial = first_trial("websocket")
    start_ns = trial.info.t0_ns + round(planned.parameters.warm_up_s * 1e9)
    return dataclasses.replace(
        trial.info,
        transport=planned.transport,
        parameters=planned.parameters,
        window_start_ns=start_ns,
        window_end_ns=start_ns + round(planned.parameters.measured_s * 1e9),
    )


@pytest.mark.parametrize("name", shipped_scenarios())
def test_every_trial_of_every_scenario_is_in_a_steady_state_when_its_window_begins(name: str) -> None:
    for planned in plan_trials(load_scenario(name), 1):
        assert unsteady_reason(info_of(planned), style(planned.transport)) is None


def test_a_short_warm_up_is_named_with_what_would_do() -> None:
    _, planned = first_trial("short_poll", dataclasses.replace(SLOW, long_warm_ups=False))
    info = dataclasses.replace(planned.info, parameters=planned.info.parameters.replace(poll_interval_s=5.0))
    assert unsteady_reason(info, style("short_poll")) == (
        "its stream began 0.2 s before the measured window, and its clients wait up to 5 s for an event: about 23% of "
        "the deliveries due in the window are read in it (at least 95% in a steady state): use a warm-up of 5.05 s"
    )


def short_polls(summary: JsonObject) -> dict[float, JsonObject]:
    return {p["parameters"]["poll_interval_s"]: p for p in summary["points"] if p["transport"] == "short_poll"}


def test_costs_and_freshness_of_a_start_are_null_and_latencies_are_not(tmp_path: Path) -> None:
    summary = summarized(fabricate_run(tmp_path, dataclasses.replace(SLOW, long_warm_ups=False)))
    slow, fast = (short_polls(summary)[every] for every in (5.0, 0.25))
    assert slow["steady_state"]["read_ratio"] < 0.4
    assert slow["freshness"] is None
    assert slow["bytes_per_event"] == {"up": None, "down": None, "total": None}
    assert slow["bytes_split_per_event"]["payload"] is None
    for figure in ("server_cpu_us_per_event", "load_cpu_us_per_event", "empty_ratio"):
        assert slow[figure] is None
        assert fast[figure] is not None
    assert slow["latency_ms"]["mean"] == pytest.approx(slow["model"]["mean_ms"])
    assert slow["requests_per_event"] > 0
    assert fast["steady_state"]["reason"] is None
    [warning] = [text for text in summary["warnings"] if "steady state" in text]
    assert warning.startswith("Costs and freshness are not shown at 2 points")
    assert "server's CPU time was not measured" not in " ".join(summary["warnings"])


def mean_age_ms(interval_s: float, rate_per_s: float, one_way_s: float) -> float:
    """Of a view that is polled every P, Poisson events: the area under its age from one poll to the next, over P.

    The first event after a poll, due X later, is missing until the next answer arrives at P + d, and the oldest that
    is from when the answer before that has arrived, at d.
    """
    x = np.linspace(0, interval_s, 200_001)
    area = ((interval_s + one_way_s - x) ** 2 - np.maximum(one_way_s - x, 0) ** 2) / 2
    density = rate_per_s * np.exp(-rate_per_s * x)
    return float(1000 * np.trapezoid(area * density, x) / interval_s)


def test_slow_polls_have_the_freshness_that_theory_gives_them(tmp_path: Path) -> None:
    """At 100 events a second nearly I/2 + d, and at any rate what the oldest missing event makes of it."""
    fabrication = dataclasses.replace(SLOW, transports=("websocket", "short_poll"), measured_s=5.0, blocks=8)
    for every, point in short_polls(summarized(fabricate_run(tmp_path, fabrication))).items():
        low, high = point["freshness"]["mean_age_ms_ci95"]
        expected_ms = mean_age_ms(every, 10.0, 0.025)
        assert low < expected_ms < high
        assert point["freshness"]["mean_age_ms"] == pytest.approx(expected_ms, rel=0.02)
    assert mean_age_ms(5.0, 100.0, 0.025) == pytest.approx(1000 * (5.0 / 2 + 0.025), rel=0.02)


POLL_US, EVENT_US = 160.0, 25.0


def test_the_cpu_time_of_slow_polls_is_what_a_poll_and_its_events_take(tmp_path: Path) -> None:
    """It falls with the interval, as more events share a poll, and is that of trials of five times the length."""
    work = Faults(server_cpu_ratio=0.0, poll_cpu_us=POLL_US, event_cpu_us=EVENT_US, spin_cpu_us=700.0)
    slow = dataclasses.replace(SLOW, transports=("websocket", "short_poll"), intervals_s=(1.0, 2.5, 5.0), blocks=5)
    found = {}
    for seconds in (2.0, 10.0):
        fabrication = dataclasses.replace(slow, measured_s=seconds)
        faults = {planned.index: work for planned in fabrication.plan()}
        found[seconds] = short_polls(summarized(fabricate_run(tmp_path / f"{seconds:g}", fabrication, faults)))
    costs = []
    for every in (1.0, 2.5, 5.0):
        short, long = found[2.0][every], found[10.0][every]
        true_us = EVENT_US + POLL_US / (10.0 * every)
        low, high = short["server_cpu_us_per_event_ci95"]
        assert low < true_us < high
        assert low < long["server_cpu_us_per_event"] < high
        assert long["server_cpu_us_per_event"] == pytest.approx(true_us, rel=0.02)
        costs.append(short["server_cpu_us_per_event"])
    assert costs == sorted(costs, reverse=True)
