"""Trials of equal parameters, pooled into one point of the summary with intervals from the spread between them."""

from __future__ import annotations

import numpy as np

from analysis.models.conditions import Conditions
from analysis.models.registry import MODELS
from analysis.statistics.distribution import distribution_of
from analysis.summary.few_waits import withhold_intervals
from analysis.summary.pooled_costs import pooled_costs, summed
from analysis.summary.pooled_latency import (
    Trials,
    pooled_latency,
    pooled_parts,
    pooled_reach,
    pooled_residual,
    withheld_quantiles,
)
from analysis.trial.queueing import FIGURES, pooled_queue_model, split_mean_ms
from contract.parameters import Parameters
from contract.records import JsonObject
from contract.transports import TransportStyle


def pool(trials: Trials, style: TransportStyle, pilot_blocks: int | None = None) -> JsonObject:
    """Return one point from its trials, of which there is at least one; `base` and `against_reference` are added later.

    Intervals take their spread from the first `pilot_blocks`, as in `PerBlock`.
    """
    parameters, model, latency = trials[0].info.parameters, _model(trials), pooled_latency(trials, pilot_blocks)
    queue_model = pooled_queue_model([trial.queued for trial in trials], sum(trial.due_deliveries for trial in trials))
    point: JsonObject = {
        "transport": style.name,
        "parameters": dict(parameters),
        "trials": len(trials),
        "events": sum(trial.events for trial in trials),
        "deliveries": sum(len(trial.latencies) for trial in trials),
        "latency_ms": latency,
        "latency_withheld": _withheld(trials),
        "quantiles_withheld": withheld_quantiles(trials),
        "reach_ms": pooled_reach(trials, pilot_blocks),
        "latency_stamp": "kernel" if all(trial.kernel_stamps for trial in trials) else "user",
        "parts_ms": pooled_parts(trials),
        "stamps": _stamps(trials),
        **pooled_costs(trials, pilot_blocks),
        "ledger": summed([trial.ledger for trial in trials]),
        "loss": _loss(trials, style),
        "model": model,
        "queue_model": queue_model,
        "latency_split_ms": split_mean_ms(latency["mean"], model["mean_ms"], queue_model["mean_ms"]),
        "closed_form": _closed_form(parameters, style),
        "residual_ms": pooled_residual(trials),
    }
    point["intervals_withheld"] = withhold_intervals(point, trials, style)
    return point


def _withheld(trials: Trials) -> JsonObject | None:
    """Return in how many trials the clocks are too uncertain for latencies, and why in the worst of them, or None."""
    unknown = [trial for trial in trials if trial.withheld is not None]
    if not unknown:
        return None
    worst = max(unknown, key=lambda trial: trial.clock_uncertainty_ms)
    return {"trials": len(unknown), "uncertainty_ms": worst.clock_uncertainty_ms, "reason": worst.withheld}


def _stamps(trials: Trials) -> JsonObject:
    conversions = [trial.conversion for trial in trials if trial.conversion is not None]
    drifts_ppm = [conversion.drift_ppm for conversion in conversions if conversion.drift_ppm is not None]
    return {
        "missing": sum(trial.latencies.missing_stamps for trial in trials),
        "coalesced": sum(trial.latencies.coalesced_stamps for trial in trials),
        "conversion_error_us": max((conversion.error_ns / 1000 for conversion in conversions), default=None),
        "drift_ppm": max(drifts_ppm, key=abs, default=None),
    }


def _loss(trials: Trials, style: TransportStyle) -> JsonObject:
    """Return the share of deliveries due in the window that never arrived, and the models' share: 0 with a cursor."""
    due = sum(trial.due_deliveries for trial in trials)
    came = sum(len(trial.latencies) for trial in trials)
    expected = sum(len(trial.latencies.predicted_ns) for trial in trials)
    conditions = Conditions.of_point(trials[0].info.parameters, style)
    return {
        "ratio": (due - came) / due if due else None,
        "model_ratio": (due - expected) / due if due else None,
        "closed_form_ratio": MODELS[style.model].lost_ratio(conditions),
    }


def _model(trials: Trials) -> JsonObject:
    known = [trial.predicted_ms for trial in trials if trial.predicted_ms is not None]
    if not known:
        return dict.fromkeys((*(f"{name}_ms" for name in FIGURES), "requests_per_event"))
    pooled = known[0]
    if len(known) > 1:
        pooled = distribution_of(np.concatenate([trial.latencies.predicted_ns for trial in trials])) or pooled
    requests = sum(trial.latencies.predicted_requests for trial in trials)
    return {
        **{f"{name}_ms": pooled[name] for name in FIGURES},
        "requests_per_event": requests / sum(trial.due_deliveries for trial in trials),
    }


def _closed_form(parameters: Parameters, style: TransportStyle) -> JsonObject | None:
    expectation = MODELS[style.model].closed_form(Conditions.of_point(parameters, style))
    if expectation is None:
        return None
    return {
        "mean_ms": expectation.mean_s * 1000,
        "p50_ms": expectation.quantile_s(0.5) * 1000,
        "p99_ms": expectation.quantile_s(0.99) * 1000,
        "requests_per_event": expectation.requests_per_event,
    }
