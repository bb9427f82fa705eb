"""Pools the trials of a run: into points, and into one entry per load process.

Intervals of a point are from the spread between its trials.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from operator import itemgetter

import numpy as np

from analysis.models.model import Conditions
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
from analysis.trial.queueing import pooled_queue_model, split_mean_ms
from contract.parameters import Parameters
from contract.records import TrialInfo, WorkerInfo
from contract.summary import ClosedForm, LatencyWithheld, Ledger, LoadProcess, Loss, Model, Point, Stamps
from contract.transports import TransportStyle


def pool(trials: Trials, style: TransportStyle, pilot_blocks: int | None = None) -> Point:
    """Compute a point from its trials, of which there is at least one; comparisons with other points are added later.

    Intervals are from the spread between the first `pilot_blocks`, as in `PerBlock`.
    """
    parameters, model, latency = trials[0].info.parameters, _model(trials), pooled_latency(trials, pilot_blocks)
    queue_model = pooled_queue_model([trial.queued for trial in trials], sum(trial.due_deliveries for trial in trials))
    point = Point(
        transport=style.name,
        parameters=parameters,
        trials=len(trials),
        events=sum(trial.events for trial in trials),
        deliveries=sum(len(trial.latencies) for trial in trials),
        latency_ms=latency,
        latency_withheld=_withheld(trials),
        quantiles_withheld=withheld_quantiles(trials),
        reach_ms=pooled_reach(trials, pilot_blocks),
        latency_stamp="kernel" if all(trial.kernel_stamps for trial in trials) else "user",
        parts_ms=pooled_parts(trials),
        stamps=_stamps(trials),
        **pooled_costs(trials, pilot_blocks),
        ledger=Ledger(**summed([trial.ledger for trial in trials])),
        loss=_loss(trials, style),
        model=model,
        queue_model=queue_model,
        latency_split_ms=split_mean_ms(latency.mean, model.mean_ms, queue_model.mean_ms),
        closed_form=_closed_form(parameters, style),
        residual_ms=pooled_residual(trials),
        intervals_withheld=None,
        precision=None,
        base=False,
        valid=True,
        invalid_reasons=(),
        against_reference=None,
    )
    return withhold_intervals(point, trials, style)


def _withheld(trials: Trials) -> LatencyWithheld | None:
    """Return the number of trials with too uncertain clocks, and the reason for the worst of them, or None."""
    unknown = [(trial.clock_uncertainty_ms, trial.withheld) for trial in trials if trial.withheld is not None]
    if not unknown:
        return None
    uncertainty_ms, reason = max(unknown, key=itemgetter(0))
    return LatencyWithheld(len(unknown), uncertainty_ms, reason)


def _stamps(trials: Trials) -> Stamps:
    conversions = [trial.conversion for trial in trials if trial.conversion is not None]
    drifts_ppm = [conversion.drift_ppm for conversion in conversions if conversion.drift_ppm is not None]
    return Stamps(
        missing=sum(trial.latencies.missing_stamps for trial in trials),
        coalesced=sum(trial.latencies.coalesced_stamps for trial in trials),
        conversion_error_us=max((conversion.error_ns / 1000 for conversion in conversions), default=None),
        drift_ppm=max(drifts_ppm, key=abs, default=None),
    )


def _loss(trials: Trials, style: TransportStyle) -> Loss:
    """Return the share of deliveries due in the window that never arrived, and the models' share: 0 with a cursor."""
    due = sum(trial.due_deliveries for trial in trials)
    arrived = sum(len(trial.latencies) for trial in trials)
    expected = sum(len(trial.latencies.predicted_ns) for trial in trials)
    conditions = Conditions.of_point(trials[0].info.parameters, style)
    return Loss(
        ratio=(due - arrived) / due if due else None,
        model_ratio=(due - expected) / due if due else None,
        closed_form_ratio=MODELS[style.model].lost_ratio(conditions),
    )


def _model(trials: Trials) -> Model:
    known = [trial.predicted_ms for trial in trials if trial.predicted_ms is not None]
    if not known:
        return Model(mean_ms=None, p50_ms=None, p95_ms=None, p99_ms=None, requests_per_event=None)
    pooled = known[0]
    if len(known) > 1:
        pooled = distribution_of(np.concatenate([trial.latencies.predicted_ns for trial in trials])) or pooled
    requests = sum(trial.latencies.predicted_requests for trial in trials)
    return Model(
        mean_ms=pooled["mean"],
        p50_ms=pooled["p50"],
        p95_ms=pooled["p95"],
        p99_ms=pooled["p99"],
        requests_per_event=requests / sum(trial.due_deliveries for trial in trials),
    )


def _closed_form(parameters: Parameters, style: TransportStyle) -> ClosedForm | None:
    expectation = MODELS[style.model].closed_form(Conditions.of_point(parameters, style))
    if expectation is None:
        return None
    return ClosedForm(
        mean_ms=expectation.mean_s * 1000,
        p50_ms=expectation.quantile_s(0.5) * 1000,
        p99_ms=expectation.quantile_s(0.99) * 1000,
        requests_per_event=expectation.requests_per_event,
    )


def load_processes_of(trials: Sequence[TrialInfo]) -> tuple[LoadProcess, ...]:
    """Return one entry per host and index, over all trials that it joined; none for a single load process."""
    found: dict[tuple[int, str], list[WorkerInfo]] = {}
    for trial in trials:
        for worker in trial.workers:
            found.setdefault((worker.index, worker.host), []).append(worker)
    return tuple(_load_process(workers) for _, workers in sorted(found.items()))


def _load_process(workers: Sequence[WorkerInfo]) -> LoadProcess:
    return LoadProcess(
        index=workers[0].index,
        host=workers[0].host,
        trials=len(workers),
        clients=max(worker.clients for worker in workers),
        clock_uncertainty_us=_largest_us(worker.uncertainty_ns for worker in workers),
        round_trip_us=_largest_us(worker.round_trip_ns for worker in workers),
        clock_drift_us=_largest_us(abs(worker.drift_ns) for worker in workers if worker.drift_ns is not None),
        ends=dict(Counter(worker.end for worker in workers)),
    )


def _largest_us(values_ns: Iterable[int]) -> float | None:
    largest_ns = max(values_ns, default=None)
    return None if largest_ns is None else largest_ns / 1000
