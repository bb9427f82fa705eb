from __future__ import annotations

import dataclasses

from analysis.models.schedule import schedule_of
from contract.records import turnaround_delay_ns
from tests.fabricate import Fabrication, first_trial, style


def test_the_schedule_of_a_trial_has_the_delays_of_its_clients() -> None:
    _, trial = first_trial("long_poll")
    assert not schedule_of(trial, style("long_poll")).turnaround_delays_ns(0).any()
    info = dataclasses.replace(
        trial.info, parameters=trial.info.parameters.replace(turnaround_jitter_ms=50), seed=7, point=3
    )
    own = schedule_of(dataclasses.replace(trial, info=info), style("long_poll"))
    assert own.turnaround_delays_ns(4)[2] == turnaround_delay_ns(7003, 2, 4, 50_000_000)


def test_a_poll_without_keep_alive_connects_first() -> None:
    _, trial = first_trial("long_poll", Fabrication(intervals_s=(), rates_per_s=()))
    info = dataclasses.replace(trial.info, parameters=trial.info.parameters.replace(keep_alive=False))
    assert schedule_of(trial, style("long_poll")).connect_ns == 0
    assert schedule_of(dataclasses.replace(trial, info=info), style("long_poll")).connect_ns == 50_000_000
