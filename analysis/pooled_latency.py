"""The latencies of a point's trials as one distribution: of the whole, of its parts, and of what the model leaves."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from analysis import stats
from analysis.distribution import LATENCY_QUANTILES, distribution_of, mean_and_quantiles_ms
from analysis.long_columns import Times, joined, narrowed
from analysis.trial_measures import TrialMeasures
from loadtests.records import JsonObject

_PART_QUANTILES = {"p50": 0.5, "p99": 0.99}

Trials = Sequence[TrialMeasures]


def with_latency(trials: Trials) -> list[TrialMeasures]:
    """Those that measured latencies which may be told."""
    return [trial for trial in trials if trial.clocks_agree and trial.latency_ms is not None]


def pooled_latency(trials: Trials, pilot_blocks: int | None) -> JsonObject:
    """Distribution of all deliveries, and intervals from the spread between the trials of the first blocks."""
    measured = with_latency(trials)
    per_trial = [trial.latency_ms for trial in measured if trial.latency_ms is not None]
    with_interval = ["mean", "p50", "p95", "p99"]
    if not per_trial:
        names = ["mean", *LATENCY_QUANTILES, "max"]
        return dict.fromkeys([*names, *(f"{name}_ci95" for name in with_interval)])
    pooled = per_trial[0]
    if len(per_trial) > 1:
        pooled = distribution_of(joined([trial.latencies.latency_ns for trial in measured])) or pooled
    # No latency is below what the network alone takes.
    possible_ms = (float(measured[0].info.parameters["one_way_delay_ms"]), math.inf)
    intervals = {
        f"{name}_ci95": interval_of_trials(
            pooled[name], measured, [each[name] for each in per_trial], pilot_blocks, possible_ms
        )
        for name in with_interval
    }
    return {**pooled, **intervals}


def interval_of_trials(
    estimate: float,
    trials: Trials,
    values: Sequence[float],
    pilot_blocks: int | None,
    possible: stats.Interval = stats.AT_LEAST_ZERO,
) -> list[float] | None:
    """Of an estimate pooled over these trials, of which each has its value: 95 %, within what is possible."""
    pilot = [
        value
        for trial, value in zip(trials, values, strict=True)
        if pilot_blocks is None or trial.info.block < pilot_blocks
    ]
    bounds = stats.cut_off(stats.interval(estimate, pilot, len(values) - len(pilot)), estimate, possible)
    return None if bounds is None else list(bounds)


def pooled_parts(trials: Trials) -> JsonObject:
    """Where the time of the deliveries went; null where no trial measured it."""
    latencies = [trial.latencies for trial in trials]
    one_way = [trial.latencies for trial in trials if trial.clocks_agree]
    # A delivery without a trace includes its wait at the server: trials with and without one are not to be mixed.
    traced = all(found.queue_ns is not None for found in latencies)
    delivery_ns = [
        found.delivery_ns
        if traced or found.queue_ns is None
        else narrowed(np.add(found.queue_ns, found.delivery_ns, dtype=np.int64))
        for found in one_way
    ]
    return {
        "server_lag": _part([found.server_lag_ns for found in latencies]),
        "queue": _part([found.queue_ns for found in latencies]) if traced else None,
        "delivery": _part(delivery_ns),
        "client_delay": _part([found.client_delay_ns for found in latencies]),
    }


def _part(columns: Sequence[Times | None]) -> JsonObject | None:
    """Mean (the one figure of the parts that adds up) and quantiles; None where no trial measured it."""
    known = [column for column in columns if column is not None]
    if not known:
        return None
    pooled = joined(known)
    if not len(pooled):
        return dict.fromkeys(("mean", *_PART_QUANTILES))
    return dict(mean_and_quantiles_ms(pooled, _PART_QUANTILES))


def pooled_residual(trials: Trials) -> JsonObject:
    """Latency - the model's on the trial's own schedule, delivery by delivery."""
    residual_ns = joined([trial.latencies.residual_ns for trial in with_latency(trials)])
    if not len(residual_ns):
        return dict.fromkeys(("mean", *_PART_QUANTILES))
    return dict(mean_and_quantiles_ms(residual_ns, _PART_QUANTILES))
