"""Trials of equal parameters pooled into one point of the summary, with intervals from the spread between them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from analysis import stats
from analysis.connecting import pooled_connecting
from analysis.distribution import distribution_of
from analysis.freshness import pooled_ages
from analysis.long_columns import joined
from analysis.model import Conditions, expect, expected_loss_ratio
from analysis.pooled_latency import Trials, interval_of_trials, pooled_latency, pooled_parts, pooled_residual
from analysis.slowed_clients import pooled_slowed_clients
from analysis.trial_measures import TrialMeasures
from loadtests.records import JsonObject, SampleRole, TransportStyle

_OUTDATED_FROM_MS = {"older_than_100_ms_ratio": 100.0, "older_than_1_s_ratio": 1000.0}


def pool(trials: Trials, style: TransportStyle, pilot_blocks: int | None = None) -> JsonObject:
    """One point from its trials, of which there is at least one; `base` and `against_reference` are added later.

    Intervals take their spread from the first `pilot_blocks`, as `PerBlock` has them.
    """
    parameters, model = trials[0].info.parameters, _model(trials)
    return {
        "transport": style.name,
        "parameters": dict(parameters),
        "trials": len(trials),
        "events": sum(trial.events for trial in trials),
        "deliveries": sum(len(trial.latencies) for trial in trials),
        "latency_ms": pooled_latency(trials, pilot_blocks),
        "latency_withheld": _withheld(trials),
        "latency_stamp": "kernel" if all(trial.kernel_stamps for trial in trials) else "user",
        "parts_ms": pooled_parts(trials),
        "stamps": _stamps(trials),
        "freshness": _freshness(trials),
        **_requests(trials, pilot_blocks),
        **_bytes(trials),
        **_processors(trials),
        **pooled_connecting([trial.connecting for trial in trials]),
        "ledger": _summed([trial.ledger for trial in trials]),
        "loss": _loss(trials, style),
        "model": model,
        "model_range": _model_range(trials, model),
        "closed_form": _closed_form(parameters, style),
        "residual_ms": pooled_residual(trials),
        "slowed_clients": pooled_slowed_clients([trial.slowed for trial in trials]),
    }


def _withheld(trials: Trials) -> JsonObject | None:
    """In how many trials latencies were not known for the clocks' sake, and why in the worst of them."""
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


def _freshness(trials: Trials) -> JsonObject | None:
    ages = [trial.ages for trial in trials if trial.ages is not None and trial.clocks_agree]
    if not ages:
        return None
    pooled = pooled_ages(ages)
    shares = pooled.older_than(list(_OUTDATED_FROM_MS.values())).tolist()
    return {**dict(zip(_OUTDATED_FROM_MS, shares, strict=True)), "mean_age_ms": pooled.mean_ms}


def _requests(trials: Trials, pilot_blocks: int | None) -> JsonObject:
    per_event, per_event_ci = _ratio(trials, lambda t: t.requests.sent, lambda t: t.due_deliveries, pilot_blocks)
    per_s, per_s_ci = _ratio(trials, lambda t: t.requests.sent, lambda t: t.client_seconds, pilot_blocks)
    return {
        "requests_per_event": per_event,
        "requests_per_event_ci95": per_event_ci,
        "requests_per_s": per_s,
        "requests_per_s_ci95": per_s_ci,
        "empty_ratio": _ratio(
            trials, lambda t: t.requests.empty_polls, lambda t: t.requests.answered_polls, pilot_blocks
        )[0],
        "requests": _summed([trial.requests.totals for trial in trials]),
    }


def _bytes(trials: Trials) -> JsonObject:
    counted = [trial.bytes for trial in trials if trial.bytes is not None]
    deliveries = sum(count.deliveries for count in counted)

    def per_event(total: int) -> float | None:
        return total / deliveries if deliveries else None

    up, down = sum(count.up for count in counted), sum(count.down for count in counted)
    payload, empty_polls = sum(count.payload for count in counted), sum(count.empty_polls for count in counted)
    # Events that were compressed along with what is around them have no share of their own.
    told_apart = trials[0].info.parameters.get("compression") != "deflate"
    tcp_ip = [count.tcp_ip for count in counted if count.tcp_ip is not None]
    setup_bytes = np.concatenate([trial.setup_bytes for trial in trials])
    setup_ms = np.concatenate([trial.setup_ms for trial in trials])
    return {
        "bytes_per_event": {"up": per_event(up), "down": per_event(down), "total": per_event(up + down)},
        "bytes_split_per_event": {
            "payload": per_event(payload) if told_apart else None,
            "framing_and_headers": per_event(up + down - payload - empty_polls) if told_apart else None,
            "empty_polls": per_event(empty_polls),
            "tcp_ip": per_event(sum(tcp_ip)) if len(tcp_ip) == len(counted) else None,
        },
        "setup_bytes_per_client": float(setup_bytes.mean()) if len(setup_bytes) else None,
        "setup_ms": {"p50": stats.quantiles(setup_ms, [0.5])[0], "max": float(setup_ms.max())}
        if len(setup_ms)
        else {"p50": None, "max": None},
    }


def _processors(trials: Trials) -> JsonObject:
    fields: JsonObject = {}
    for name, role in (("server", SampleRole.SERVER), ("load", SampleRole.LOAD)):
        uses = [(trial.processors[role], trial.deliveries) for trial in trials]
        known = [(use, deliveries) for use, deliveries in uses if use is not None]
        deliveries = sum(count for _, count in known)
        cpu_us = sum(use.cpu_ns for use, _ in known) / 1000
        fields[f"{name}_cpu_us_per_event"] = cpu_us / deliveries if deliveries else None
        fields[f"{name}_cpu_ratio"] = max((use.ratio for use, _ in known), default=None)
        fields[f"{name}_stolen_ratio"] = max((use.stolen_ratio for use, _ in known), default=None)
        fields[f"{name}_rss_bytes"] = max((use.rss_bytes for use, _ in known), default=None)
    return fields


def _loss(trials: Trials, style: TransportStyle) -> JsonObject:
    """Share of the deliveries due in the window that never came, and what the models expect: 0 with a cursor."""
    due = sum(trial.due_deliveries for trial in trials)
    came = sum(len(trial.latencies) for trial in trials)
    expected = sum(len(trial.latencies.predicted_ns) for trial in trials)
    conditions = Conditions.of_point(trials[0].info.parameters, style.role)
    return {
        "ratio": (due - came) / due if due else None,
        "model_ratio": (due - expected) / due if due else None,
        "closed_form_ratio": expected_loss_ratio(style.model, conditions),
    }


def _model(trials: Trials) -> JsonObject:
    known = [trial.predicted_ms for trial in trials if trial.predicted_ms is not None]
    if not known:
        return dict.fromkeys(("mean_ms", "p50_ms", "p99_ms", "requests_per_event"))
    pooled = known[0]
    if len(known) > 1:
        pooled = distribution_of(joined([trial.latencies.predicted_ns for trial in trials])) or pooled
    requests = sum(trial.latencies.predicted_requests for trial in trials)
    return {
        "mean_ms": pooled["mean"],
        "p50_ms": pooled["p50"],
        "p99_ms": pooled["p99"],
        "requests_per_event": requests / sum(trial.due_deliveries for trial in trials),
    }


def _model_range(trials: Trials, plain: JsonObject) -> JsonObject | None:
    """The model's figures with the system's own time; None where no trial was farther from its own than it may be.

    Trial by trial the model moves by what `analysis.sensitivity` says; the point's figures by the mean of that.
    """
    found = [trial.sensitivity for trial in trials if trial.sensitivity is not None and trial.clocks_agree]
    if not found:
        return None
    moved = {
        name: [
            plain[name] + sum(one.down[name] for one in found) / len(trials),
            plain[name] + sum(one.up[name] for one in found) / len(trials),
        ]
        for name in found[0].down
    }
    return {"own_ms": float(np.mean([one.own_ms for one in found])), **moved}


def _closed_form(parameters: Mapping[str, Any], style: TransportStyle) -> JsonObject | None:
    expectation = expect(style.model, Conditions.of_point(parameters, style.role))
    if expectation is None:
        return None
    return {
        "mean_ms": expectation.mean_s * 1000,
        "p50_ms": expectation.quantile_s(0.5) * 1000,
        "p99_ms": expectation.quantile_s(0.99) * 1000,
        "requests_per_event": expectation.requests_per_event,
    }


def _ratio(
    trials: Trials,
    above: Callable[[TrialMeasures], float],
    below: Callable[[TrialMeasures], float],
    pilot_blocks: int | None,
) -> tuple[float | None, list[float] | None]:
    """A ratio of sums over the trials, with the interval of the trials' own ratios; None where there is no divisor."""
    counted = [trial for trial in trials if below(trial)]
    pairs = [(above(trial), below(trial)) for trial in counted]
    if not pairs:
        return None, None
    pooled = sum(a for a, _ in pairs) / sum(b for _, b in pairs)
    return pooled, interval_of_trials(pooled, counted, [a / b for a, b in pairs], pilot_blocks)


def _summed(counts: Sequence[Mapping[str, int]]) -> dict[str, int]:
    return {name: sum(count[name] for count in counts) for name in counts[0]}
