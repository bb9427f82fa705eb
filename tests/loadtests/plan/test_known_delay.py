"""The scenario known-delay by its schedule alone: what it must read more is the delay, and no part of it is luck."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from contract.records import PlannedTrial
from contract.stream import due_offsets_ns
from loadtests.plan.blocks import plan_trials, stream_spec
from loadtests.plan.population import schedule_period_s, spread_phases_ns
from loadtests.plan.scenario_file import load_scenario

pytestmark = pytest.mark.clocks

MS = 1_000_000
TRIALS = plan_trials(load_scenario("known-delay"), 1)
POLLED = [trial for trial in TRIALS if trial.transport == "short_poll"]


def measured_due_ns(trial: PlannedTrial) -> npt.NDArray[np.int64]:
    due_ns = due_offsets_ns(stream_spec(trial))
    return due_ns[due_ns >= round(trial.parameters.warm_up_s * 1e9)]


def ages_ns(trial: PlannedTrial, delay_ns: int) -> npt.NDArray[np.int64]:
    """How old each event is when the first poll after its release comes, for all clients, ascending."""
    period_s = schedule_period_s(trial.transport, trial.parameters)
    period_ns = round(period_s * 1e9)
    due_ns = measured_due_ns(trial)
    ages = [
        delay_ns + (phase_ns - due_ns - delay_ns) % period_ns
        for phase_ns in spread_phases_ns(trial.parameters.clients, period_s, trial.seed * 1000 + trial.point)
    ]
    return np.sort(np.concatenate(ages))


@pytest.mark.parametrize("trial", POLLED, ids=lambda trial: f"block {trial.block}")
@pytest.mark.parametrize("delay_ms", [40, 13.37, 250])
def test_every_quantile_of_a_short_poll_moves_by_the_delay(trial: PlannedTrial, delay_ms: float) -> None:
    delay_ns = round(delay_ms * MS)
    plain_ns = ages_ns(trial, 0)
    assert np.diff(plain_ns).max() < 0.17 * MS
    assert np.abs(ages_ns(trial, delay_ns) - plain_ns - delay_ns).max() < 0.17 * MS


def test_what_is_delayed_is_released_halfway_between_two_publications() -> None:
    for trial in TRIALS:
        due_ns = due_offsets_ns(stream_spec(trial))
        since_ns = (due_ns + 40 * MS - due_ns[0]) % 16_000_000
        assert set(since_ns.tolist()) == {8_000_000}
