"""Trials of equal parameters pooled into one point of the summary, with intervals from the spread between them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from analysis import stats
from analysis.connecting import pooled_connecting
from analysis.freshness import pooled_ages
from analysis.model import Conditions, expect, expected_loss_ratio
from analysis.slowed_clients import pooled_slowed_clients
from analysis.stats import Interval
from analysis.trial_measures import TrialMeasures
from loadtests.records import JsonObject, SampleRole, TransportStyle

_LATENCY_QUANTILES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}
_PART_QUANTILES = {"p50": 0.5, "p99": 0.99}
_OUTDATED_FROM_MS = {"older_than_100_ms_ratio": 100.0, "older_than_1_s_ratio": 1000.0}

Trials = Sequence[TrialMeasures]


@dataclass(frozen=True)
class PerBlock:
    """What differences between points are paired on: the latencies of the block's one trial."""

    latency_ms: dict[int, dict[str, float]]
    """`mean`, `p50`, … by block, of the trials that measured anything."""
    pilot_blocks: int | None = None
    """Blocks that give the spread; trials of later ones were added because of it. None: all give it."""
    excess_ms: dict[int, dict[str, float]] = field(default_factory=dict)
    """`mean` and `max` of latency - the model's on the trial's own schedule, by block."""

    @classmethod
    def of(cls, trials: Trials, pilot_blocks: int | None = None) -> PerBlock:
        """From a point's trials."""
        measured = _with_latency(trials)
        by_block = {trial.info.block: _distribution(trial.latencies.latency_ms) for trial in measured}
        excess = {
            trial.info.block: {"mean": float(np.nanmean(over)), "max": float(np.nanmax(over))}
            for trial in measured
            if np.isfinite(over := trial.latencies.latency_ms - trial.latencies.model_ms).any()
        }
        return cls(by_block, pilot_blocks, excess)


def pool(trials: Trials, style: TransportStyle, pilot_blocks: int | None = None) -> JsonObject:
    """One point from its trials, of which there is at least one; `base` and `against_reference` are added later.

    Intervals take their spread from the first `pilot_blocks`, as `PerBlock` has them.
    """
    parameters = trials[0].info.parameters
    return {
        "transport": style.name,
        "parameters": dict(parameters),
        "trials": len(trials),
        "events": sum(trial.events for trial in trials),
        "deliveries": sum(len(trial.latencies.latency_ms) for trial in trials),
        "latency_ms": _latency(trials, pilot_blocks),
        "latency_stamp": "kernel" if all(trial.kernel_stamps for trial in trials) else "user",
        "parts_ms": _parts(trials),
        "stamps": _stamps(trials),
        "freshness": _freshness(trials),
        **_requests(trials, pilot_blocks),
        **_bytes(trials),
        **_processors(trials),
        **pooled_connecting([trial.connecting for trial in trials]),
        "ledger": _summed([trial.ledger for trial in trials]),
        "loss": _loss(trials, style),
        "model": _model(trials),
        "model_range": _model_range(trials),
        "closed_form": _closed_form(parameters, style),
        "residual_ms": _residual(trials),
        "slowed_clients": pooled_slowed_clients([trial.slowed for trial in trials]),
    }


def against(point: JsonObject, blocks: PerBlock, reference: JsonObject, reference_blocks: PerBlock) -> JsonObject:
    """How a point differs from the reference's at the same parameters, paired within blocks."""
    ours, theirs = point["latency_ms"]["p50"], reference["latency_ms"]["p50"]
    return {
        **{f"{name}_difference_ms": _difference(blocks, reference_blocks, name) for name in ("p50", "p95", "mean")},
        "ratio_p50": ours / theirs if ours is not None and theirs else None,
    }


def _difference(blocks: PerBlock, reference_blocks: PerBlock, name: str) -> JsonObject | None:
    ours, theirs = (
        {block: latency_ms[name] for block, latency_ms in of.latency_ms.items()} for of in (blocks, reference_blocks)
    )
    found = stats.paired_difference(ours, theirs, blocks.pilot_blocks)
    return None if found is None else {"value": found.value, "ci95": _as_list(found.ci95)}


def _latency(trials: Trials, pilot_blocks: int | None) -> JsonObject:
    measured = _with_latency(trials)
    samples = [trial.latencies.latency_ms for trial in measured]
    names = ["mean", *_LATENCY_QUANTILES, "max"]
    with_interval = ["mean", "p50", "p95", "p99"]
    if not samples:
        return dict.fromkeys([*names, *(f"{name}_ci95" for name in with_interval)])
    pooled = _distribution(np.concatenate(samples))
    per_trial = [_distribution(sample) for sample in samples]
    intervals = {
        f"{name}_ci95": _interval(pooled[name], measured, [each[name] for each in per_trial], pilot_blocks)
        for name in with_interval
    }
    return {**pooled, **intervals}


def _with_latency(trials: Trials) -> list[TrialMeasures]:
    return [trial for trial in trials if trial.clocks_agree and len(trial.latencies.latency_ms)]


def _distribution(sample: stats.Sample) -> dict[str, float]:
    values = stats.quantiles(sample, list(_LATENCY_QUANTILES.values()))
    return {
        "mean": float(np.mean(sample)),
        **dict(zip(_LATENCY_QUANTILES, values, strict=True)),
        "max": float(np.max(sample)),
    }


def _parts(trials: Trials) -> JsonObject:
    latencies = [trial.latencies for trial in trials]
    one_way = [trial.latencies for trial in trials if trial.clocks_agree]
    # A delivery without a trace includes its wait at the server: trials with and without one are not to be mixed.
    traced = all(found.queue_ms is not None for found in latencies)
    delivery_ms = [
        found.delivery_ms if traced or found.queue_ms is None else found.queue_ms + found.delivery_ms
        for found in one_way
    ]
    return {
        "server_lag": _part([found.server_lag_ms for found in latencies]),
        "queue": _part([found.queue_ms for found in latencies]) if traced else None,
        "delivery": _part(delivery_ms),
        "client_delay": _part([found.client_delay_ms for found in latencies]),
    }


def _part(samples: Sequence[stats.Sample | None]) -> JsonObject | None:
    """Mean (the one figure of the parts that adds up) and quantiles; None where no trial measured it."""
    known = [sample for sample in samples if sample is not None]
    if not known:
        return None
    pooled = np.concatenate(known)
    if not len(pooled):
        return dict.fromkeys(("mean", *_PART_QUANTILES))
    values = stats.quantiles(pooled, list(_PART_QUANTILES.values()))
    return {"mean": float(pooled.mean()), **dict(zip(_PART_QUANTILES, values, strict=True))}


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
        fields[f"{name}_rss_bytes"] = max((use.rss_bytes for use, _ in known), default=None)
    return fields


def _loss(trials: Trials, style: TransportStyle) -> JsonObject:
    """Share of the deliveries due in the window that never came, and what the models expect: 0 with a cursor."""
    due = sum(trial.due_deliveries for trial in trials)
    came = sum(len(trial.latencies.latency_ms) for trial in trials)
    expected = sum(len(trial.latencies.predicted_ms) for trial in trials)
    conditions = Conditions.of_point(trials[0].info.parameters, style.role)
    return {
        "ratio": (due - came) / due if due else None,
        "model_ratio": (due - expected) / due if due else None,
        "closed_form_ratio": expected_loss_ratio(style.model, conditions),
    }


def _model(trials: Trials) -> JsonObject:
    predicted_ms = np.concatenate([trial.latencies.predicted_ms for trial in trials])
    if not len(predicted_ms):
        return dict.fromkeys(("mean_ms", "p50_ms", "p99_ms", "requests_per_event"))
    p50_ms, p99_ms = stats.quantiles(predicted_ms, [0.5, 0.99])
    requests = sum(trial.latencies.predicted_requests for trial in trials)
    return {
        "mean_ms": float(predicted_ms.mean()),
        "p50_ms": p50_ms,
        "p99_ms": p99_ms,
        "requests_per_event": requests / sum(trial.due_deliveries for trial in trials),
    }


def _model_range(trials: Trials) -> JsonObject | None:
    """The model's figures with the system's own time; None where no trial was farther from its own than it may be.

    Trial by trial the model moves by what `analysis.sensitivity` says; the point's figures by the mean of that.
    """
    found = [trial.sensitivity for trial in trials if trial.sensitivity is not None and trial.clocks_agree]
    if not found:
        return None
    plain = _model(trials)
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


def _residual(trials: Trials) -> JsonObject:
    trials = _with_latency(trials)
    residual_ms = np.concatenate(
        [np.empty(0), *(trial.latencies.latency_ms - trial.latencies.model_ms for trial in trials)]
    )
    residual_ms = residual_ms[np.isfinite(residual_ms)]
    if not len(residual_ms):
        return dict.fromkeys(("mean", "p50", "p99"))
    p50, p99 = stats.quantiles(residual_ms, [0.5, 0.99])
    return {"mean": float(residual_ms.mean()), "p50": p50, "p99": p99}


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
    return pooled, _interval(pooled, counted, [a / b for a, b in pairs], pilot_blocks)


def _interval(estimate: float, trials: Trials, values: Sequence[float], pilot_blocks: int | None) -> list[float] | None:
    """Of an estimate pooled over these trials, of which each has its value."""
    pilot = [
        value
        for trial, value in zip(trials, values, strict=True)
        if pilot_blocks is None or trial.info.block < pilot_blocks
    ]
    return _as_list(stats.interval(estimate, pilot, len(values) - len(pilot)))


def _summed(counts: Sequence[Mapping[str, int]]) -> dict[str, int]:
    return {name: sum(count[name] for count in counts) for name in counts[0]}


def _as_list(bounds: Interval | None) -> list[float] | None:
    return None if bounds is None else list(bounds)
