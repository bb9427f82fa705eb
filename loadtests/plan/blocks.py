"""Trials in randomised blocks, as pure functions: a plan can be shown, checked and tested before anything starts."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from contract.errors import UserError
from contract.parameters import Parameters
from contract.records import PlannedTrial
from contract.stream import BURST_SIZE, StreamSpec
from loadtests.plan.durations import expected_seconds, trial_seconds
from loadtests.plan.population import exchange_s, schedule_period_s
from loadtests.plan.scenario import Scenario
from loadtests.plan.seeds import MAX_BLOCKS, block_seed
from loadtests.plan.toml_values import toml_value


def plan_trials(scenario: Scenario, seed: int) -> tuple[PlannedTrial, ...]:
    """Plan every point once per block, each block in a random order of its own.

    All trials of a block share the seed of the stream: at equal rate and arrival, the same events at the same times.
    """
    trials: list[PlannedTrial] = []
    for block in range(scenario.repeats):
        trials += _block(scenario, seed, block, len(trials))
    return tuple(trials)


def plan_further(
    scenario: Scenario, seed: int, planned: tuple[PlannedTrial, ...], missing: Mapping[int, int], left_s: float
) -> tuple[PlannedTrial, ...]:
    """Plan blocks after the pilot's, of the points that need further trials, each in a random order of its own.

    `seed` is the run's, `missing` maps points to the number of trials they need, `left_s` is the time for them. If it
    is too short for all, the points that need least time get it, so that as many as possible reach the precision.
    """
    parameters = {trial.point: trial.parameters for trial in planned}
    costs_s = {point: trial_seconds(parameters[point]) for point, lacking in missing.items() if lacking > 0}
    granted = _grant(missing, costs_s, left_s)
    further: list[PlannedTrial] = []
    for block in range(scenario.repeats, MAX_BLOCKS):
        for trial in _block(scenario, seed, block, 0):
            if granted.get(trial.point):
                granted[trial.point] -= 1
                index = len(planned) + len(further)
                further.append(dataclasses.replace(trial, index=index, parameters=parameters[trial.point]))
        if not any(granted.values()):
            break
    return tuple(further)


def _grant(missing: Mapping[int, int], costs_s: Mapping[int, float], left_s: float) -> dict[int, int]:
    """Return the number of further trials for which there is time, by point."""
    granted: dict[int, int] = {}
    for point in sorted(costs_s, key=lambda point: (missing[point] * costs_s[point], point)):
        granted[point] = int(max(0.0, min(missing[point], left_s / costs_s[point])))
        left_s -= granted[point] * costs_s[point]
    return granted


def _block(scenario: Scenario, seed: int, block: int, first_index: int) -> list[PlannedTrial]:
    points = scenario.points()
    spans_s: dict[tuple[Any, ...], float] = {}
    for parameters in (point.parameters for point in points):
        kind, window_s = _stream_kind(parameters), parameters.measured_s
        spans_s[kind] = min(window_s, spans_s.get(kind, window_s))
    order = np.random.default_rng([seed, block]).permutation(len(points))
    return [
        PlannedTrial(
            index=first_index + i,
            block=block,
            point=int(number),
            transport=points[number].transport,
            parameters=with_warm_up(points[number].transport, points[number].parameters),
            seed=block_seed(seed, block),
            stream_span_s=spans_s[_stream_kind(points[number].parameters)],
        )
        for i, number in enumerate(order)
    ]


def _stream_kind(parameters: Parameters) -> tuple[Any, ...]:
    """Return a key that is equal for points of a block with the same stream."""
    return parameters.rate_per_s, parameters.arrival


def with_warm_up(transport: str, parameters: Parameters) -> Parameters:
    """Return a trial's parameters with the `warm_up_s` that its clients need, at least the scenario's.

    They need their longest period and a round trip. For example, with a poll every 5 s and a shorter warm-up, the first
    polls in the measured window would fetch the events of less than 5 s, and all counts per event would be wrong.
    """
    answer_s = exchange_s(parameters)
    period_s = max(schedule_period_s(transport, parameters), answer_s + parameters.turnaround_jitter_ms / 1000)
    needed_s = math.ceil(1000 * round(period_s + answer_s, 6)) / 1000
    return parameters.replace(warm_up_s=max(parameters.warm_up_s, needed_s))


def stream_spec(trial: PlannedTrial) -> StreamSpec:
    """Return the stream of one trial."""
    parameters = trial.parameters
    return StreamSpec(
        rate_per_s=parameters.rate_per_s,
        arrival=parameters.arrival,
        payload_bytes=parameters.payload_bytes,
        duration_s=parameters.warm_up_s + parameters.measured_s,
        seed=trial.seed,
        warm_up_s=parameters.warm_up_s,
        span_s=trial.stream_span_s,
    )


def check_plan(scenario: Scenario, trials: tuple[PlannedTrial, ...]) -> None:
    """Raise UserError if the plan exceeds its budget, or a trial may have no event to measure."""
    needed_s = expected_seconds(trials)
    if needed_s > scenario.budget_s:
        raise UserError(
            f"scenario {scenario.name}: its {len(trials)} trials need about {needed_s:.0f} s, more than "
            f"budget_s = {scenario.budget_s:g} (expected fewer repeats, shorter trials or a larger budget)"
        )
    for trial in trials:
        if not _surely_has_events(trial):
            raise UserError(
                f"scenario {scenario.name}: {trial.transport} at rate_per_s = {trial.parameters.rate_per_s:g}, "
                f"arrival = {toml_value(trial.parameters.arrival)} may have no event within measured_s = "
                f"{trial.parameters.measured_s:g} (expected a higher rate or a longer trial)"
            )


def _surely_has_events(trial: PlannedTrial) -> bool:
    """Return whether a trial's stream has an event to measure for every seed."""
    at_once = BURST_SIZE if trial.parameters.arrival == "burst" else 1
    return trial.parameters.rate_per_s * trial.parameters.measured_s >= at_once
