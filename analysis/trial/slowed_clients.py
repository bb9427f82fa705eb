"""Whether the headline is free of the client: clients that were slowed on purpose beside those that were not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.statistics import stats
from analysis.statistics.distribution import NS_PER_MS, too_few_events, withhold_quantiles
from analysis.trial.latency import Floats, arrivals_ns, has_kernel_stamps
from contract import quantiles
from contract.records import JsonObject, Trial, is_slowed
from contract.records.measured import is_measured

_QUANTILES = {"p50": 0.5, "p99": 0.99}


@dataclass(frozen=True)
class SlowedClients:
    """A trial of which every other client was slowed; each array has one entry per measured delivery."""

    delay_ms: float
    """By how much, as the parameter `client_delay_ms` had it."""
    slowed: npt.NDArray[np.bool_]
    latency_ms: Floats
    client_delay_ms: Floats


def slowed_clients(trial: Trial) -> SlowedClients | None:
    """The trial's deliveries by whether their client was slowed; None where none was, or arrivals are its own."""
    delay_ms = trial.info.parameters.get("client_delay_ms")
    if not delay_ms or not has_kernel_stamps(trial):
        return None
    rows = trial.deliveries.where(is_measured(trial))
    arrival_ns = arrivals_ns(trial, rows)
    slowed = np.array([is_slowed(client) for client in range(int(trial.info.parameters["clients"]))])
    return SlowedClients(
        delay_ms=float(delay_ms),
        slowed=slowed[rows.client],
        latency_ms=(arrival_ns - rows.due_ns) / NS_PER_MS,
        client_delay_ms=(rows.user_ns - arrival_ns) / NS_PER_MS,
    )


def pooled_slowed_clients(trials: Sequence[SlowedClients | None], events: int) -> JsonObject | None:
    """Latency and client delay of both halves over a point's trials, and how far the slowed half's are off.

    The difference is paired within each trial, where both halves hear of the same `events` from the same server. None
    where a trial has no two halves that heard of anything.
    """
    known = [trial for trial in trials if trial is not None and 0 < trial.slowed.sum() < len(trial.slowed)]
    if not known or len(known) < len(trials):
        return None
    return {
        "delay_ms": known[0].delay_ms,
        "latency_ms": _both([(trial.latency_ms, trial.slowed) for trial in known], events),
        "client_delay_ms": _both([(trial.client_delay_ms, trial.slowed) for trial in known], events),
    }


def _both(trials: Sequence[tuple[Floats, npt.NDArray[np.bool_]]], events: int) -> JsonObject:
    halves = {
        name: withhold_quantiles(
            _quantiles(np.concatenate([values[of(slowed)] for values, slowed in trials])), _QUANTILES, events
        )
        for name, of in (("others", np.logical_not), ("slowed", np.asarray))
    }
    per_trial = [(_quantiles(values[slowed]), _quantiles(values[~slowed])) for values, slowed in trials]
    differences: JsonObject = {
        name: _difference([slowed[name] - others[name] for slowed, others in per_trial]) for name in _QUANTILES
    }
    differences |= {name: {"value": None, "ci95": None} for name in too_few_events(_QUANTILES, events)}
    return {**halves, "difference": differences}


def _difference(per_trial: list[float]) -> JsonObject:
    mean = float(np.mean(per_trial))
    bounds = stats.interval(mean, per_trial)
    return {"value": mean, "ci95": None if bounds is None else list(bounds)}


def _quantiles(values: Floats) -> dict[str, float]:
    return dict(zip(_QUANTILES, quantiles.quantiles(values, list(_QUANTILES.values())), strict=True))
