"""The results of a careless comparison, computed from the same records, for runs that make a mistake on purpose.

The mistakes are to report the time of a request as the latency, to report a single run as the result, and to ignore
events that a client without a cursor misses (they are the `loss` of every point).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from analysis.models.model import Conditions
from analysis.models.registry import MODELS
from analysis.statistics.distribution import Distribution
from analysis.summary.pairing import PerBlock
from analysis.trial.measures import TrialMeasures
from contract import quantiles
from contract.summary import Answers, AsReported, Extremes, Interval, Misranked, Point
from contract.transports import TransportStyle

Trials = Sequence[TrialMeasures]


def as_reported(trials: Trials, style: TransportStyle) -> AsReported:
    """Return `as_reported` of a point, ms; a field is None if there is nothing to report or no model of it."""
    answers_ms = np.concatenate([trial.answers_ms for trial in trials])
    expected_s = MODELS[style.model].answer_s(Conditions.of_point(trials[0].info.parameters, style))
    return AsReported(
        answer_ms=_answers(answers_ms) if len(answers_ms) else None,
        answer_model_mean_ms=None if expected_s is None or not len(answers_ms) else expected_s * 1000,
        one_run_ms=_extremes(trials, lambda trial: trial.latency_ms),
        one_run_model_ms=_extremes(trials, lambda trial: trial.predicted_ms),
    )


def misranked(point: Point, blocks: PerBlock, reference: Point, reference_blocks: PerBlock) -> Misranked:
    """Return in how many single blocks a point and the reference rank the other way round than overall."""
    shared = sorted(blocks.latency_ms.keys() & reference_blocks.latency_ms.keys())

    def wrong(name: str, ours: float | None, theirs: float | None) -> int | None:
        if ours is None or theirs is None:
            return None
        alone = [blocks.latency_ms[b][name] - reference_blocks.latency_ms[b][name] for b in shared]
        return sum(difference * (ours - theirs) < 0 for difference in alone)

    return Misranked(
        blocks=len(shared),
        mean=wrong("mean", point.latency_ms.mean, reference.latency_ms.mean),
        p50=wrong("p50", point.latency_ms.p50, reference.latency_ms.p50),
        p95=wrong("p95", point.latency_ms.p95, reference.latency_ms.p95),
    )


def _extremes(trials: Trials, read: Callable[[TrialMeasures], Distribution | None]) -> Extremes | None:
    """Return the smallest and the largest result of a single trial; None if no trial has any."""
    each = [found for trial in trials if (found := read(trial)) is not None]
    if not each:
        return None

    def extremes(name: str) -> Interval:
        return min(one[name] for one in each), max(one[name] for one in each)

    return Extremes(mean=extremes("mean"), p50=extremes("p50"), p95=extremes("p95"))


def _answers(values_ms: quantiles.Sample) -> Answers:
    p50, p95 = quantiles.quantiles(values_ms, [0.5, 0.95])
    return Answers(float(np.mean(values_ms)), p50, p95)
