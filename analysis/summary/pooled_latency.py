"""The latencies of a point's trials as one distribution: the whole, its parts, and the deviation from the model."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from analysis.formatting import count, listed
from analysis.statistics import inference
from analysis.statistics.distribution import (
    LATENCY_QUANTILES,
    RARE_QUANTILES,
    Distribution,
    distribution_of,
    least_events,
    mean_and_quantiles_ms,
    spread_of,
    too_few_events,
    withhold_quantiles,
)
from analysis.trial.measures import TrialMeasures
from contract.records import Ints
from contract.summary import Latency, Part, Parts, QuantilesWithheld, Reach
from terminal.wording import plural

_PART_QUANTILES = {"p50": 0.5, "p99": 0.99}

Trials = Sequence[TrialMeasures]


def with_latency(trials: Trials) -> list[TrialMeasures]:
    """Return the trials with latencies whose clocks agree well enough to report them."""
    return [trial for trial in trials if trial.clocks_agree and trial.latency_ms is not None]


def pooled_latency(trials: Trials, pilot_blocks: int | None) -> Latency:
    """Return the distribution of all deliveries, with intervals from the spread between the first blocks' trials.

    A quantile for which there are too few events is None, as is its interval.
    """
    measured = with_latency(trials)
    per_trial = [trial.latency_ms for trial in measured if trial.latency_ms is not None]
    if not per_trial:
        return Latency(*[None] * len(dataclasses.fields(Latency)))
    pooled: Distribution = per_trial[0]
    if len(per_trial) > 1:
        pooled = distribution_of(np.concatenate([trial.latencies.latency_ns for trial in measured])) or pooled
    figures = withhold_quantiles(pooled, LATENCY_QUANTILES | RARE_QUANTILES, sample_events(measured))
    # No latency is below the delay of the network alone.
    possible_ms = (measured[0].least_latency_ms, math.inf)

    def ci95(name: str) -> inference.Interval | None:
        if figures[name] is None:
            return None
        values = [each[name] for each in per_trial]
        return interval_of_trials(pooled[name], measured, values, pilot_blocks, possible_ms, spread_of(name))

    return Latency(
        mean=figures["mean"],
        p50=figures["p50"],
        p90=figures["p90"],
        p95=figures["p95"],
        p99=figures["p99"],
        max=figures["max"],
        mean_ci95=ci95("mean"),
        p50_ci95=ci95("p50"),
        p95_ci95=ci95("p95"),
        p99_ci95=ci95("p99"),
        p999=figures["p999"],
        p999_ci95=ci95("p999"),
    )


def sample_events(trials: Trials) -> int:
    """Return the number of independent events in these trials' latencies; their streams differ."""
    return sum(trial.sample_events for trial in trials)


def withheld_quantiles(trials: Trials) -> QuantilesWithheld | None:
    """Return the quantiles that are None for lack of events, with the numbers of events; None if there are none."""
    events = sample_events(with_latency(trials) or trials)
    lacking = {name: least_events(LATENCY_QUANTILES[name]) for name in too_few_events(LATENCY_QUANTILES, events)}
    if not events or not lacking:
        return None
    wanted = listed([f"{count(needed)} for a {name}" for name, needed in lacking.items()])
    reason = f"its trials have {plural(events, 'event')} together (expected at least {wanted})"
    return QuantilesWithheld(events, lacking, reason)


def interval_of_trials(
    estimate: float,
    trials: Trials,
    values: Sequence[float],
    pilot_blocks: int | None,
    possible: inference.Interval = inference.AT_LEAST_ZERO,
    spread: inference.Spread = inference.ONLY_THE_TRIALS,
) -> inference.Interval | None:
    """Return the 95 % interval of an estimate pooled over trials with these values, within what is possible."""
    pilot = [
        value
        for trial, value in zip(trials, values, strict=True)
        if pilot_blocks is None or trial.info.block < pilot_blocks
    ]
    return inference.cut_off(inference.interval(estimate, pilot, len(values) - len(pilot), spread), estimate, possible)


def pooled_reach(trials: Trials, pilot_blocks: int | None) -> Reach | None:
    """Return the time in which an event reaches 99 % of the clients: the mean of the trials' means, or None."""
    known = [(trial, trial.latencies.reach) for trial in with_latency(trials)]
    found = [(trial, reach) for trial, reach in known if reach is not None]
    if not found:
        return None
    means_ms = [reach.mean_ms for _, reach in found]
    p99_ms = float(np.mean(means_ms))
    possible_ms = (found[0][0].least_latency_ms, math.inf)
    return Reach(
        p99=p99_ms,
        p99_ci95=interval_of_trials(p99_ms, [trial for trial, _ in found], means_ms, pilot_blocks, possible_ms),
        model_p99=float(np.mean([reach.model_mean_ms for _, reach in found])),
    )


def pooled_parts(trials: Trials) -> Parts:
    """Return the parts of the deliveries' time; null if no trial measured them."""
    latencies = [trial.latencies for trial in trials]
    one_way = [trial.latencies for trial in trials if trial.clocks_agree]
    # Without a trace, delivery includes the wait at the server: trials with and without one must not be mixed.
    traced = all(found.queue_ns is not None for found in latencies)
    delivery_ns = [
        found.delivery_ns if traced or found.queue_ns is None else found.queue_ns + found.delivery_ns
        for found in one_way
    ]
    events = sample_events(trials)
    return Parts(
        server_lag=_part([found.server_lag_ns for found in latencies], events),
        queue=_part([found.queue_ns for found in latencies], events) if traced else None,
        delivery=_part(delivery_ns, events),
        client_delay=_part([found.client_delay_ns for found in latencies], events),
    )


def _part(columns: Sequence[Ints | None], events: int) -> Part | None:
    """Return the mean (the only figure that adds up over parts) and quantiles; None if no trial measured it."""
    known = [column for column in columns if column is not None]
    return _distribution(np.concatenate(known), events) if known else None


def pooled_residual(trials: Trials) -> Part:
    """Return the distribution of latency - the model's on the trial's own schedule, delivery by delivery."""
    measured = with_latency(trials)
    residual_ns = np.concatenate([np.empty(0, np.int64), *(trial.latencies.residual_ns for trial in measured)])
    return _distribution(residual_ns, sample_events(measured))


def _distribution(times_ns: Ints, events: int) -> Part:
    if not len(times_ns):
        return Part(mean=None, p50=None, p99=None)
    found = withhold_quantiles(mean_and_quantiles_ms(times_ns, _PART_QUANTILES), _PART_QUANTILES, events)
    return Part(mean=found["mean"], p50=found["p50"], p99=found["p99"])
