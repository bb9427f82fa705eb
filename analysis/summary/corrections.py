"""Mean latency and requests of a point, corrected by the model for the random differences between streams.

Trials differ mostly in the times of their events, which the model on a trial's own schedule takes into account. A
trial's figure, less the model's on the trial's schedule, plus the closed form, estimates the figure of an endless
stream of the same rate with much less variance: a control variate with the coefficient 1 (Lavenberg and Welch,
Management Science 27, 1981).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from analysis.models.model import Conditions, Expectation
from analysis.models.registry import MODELS
from analysis.statistics.inference import AT_LEAST_ZERO, ONLY_THE_TRIALS, Interval, Spread
from analysis.summary.few_waits import measured_conditions
from analysis.summary.pooled_latency import Trials, interval_of_trials, with_latency
from analysis.summary.results import PLAIN
from analysis.trial.measures import TrialMeasures
from contract.summary import CorrectedEstimate, Estimates, Point
from contract.transports import TransportStyle

CHAOTIC_EVENTS_PER_WAIT = 0.75
"""The number of events per wait from which figures of clients in step are not corrected. Each wait then depends on the
one before, so that a trial soon differs from the model on its schedule, and a correction would add variance."""
_BEFORE_THE_SERVER_RATIO = 1 / 2
"""The share of the latency beyond the model that passes before the server looks for events, and not on the way of the
answer."""

Pair = tuple[float, float]
"""A figure as measured in a trial, and by the model on the trial's own schedule."""


@dataclass(frozen=True)
class Correction:
    """The closed form of a figure, and the least spread between trials of its corrected values."""

    expected: float
    spread: Spread = ONLY_THE_TRIALS

    def per_block(self, pairs: Mapping[int, Pair]) -> dict[int, float]:
        """Return the corrected figure of each trial."""
        return {block: self.expected + measured - own for block, (measured, own) in pairs.items()}


@dataclass(frozen=True)
class Estimate:
    """A figure of a point as it is reported."""

    value: float
    per_block: Mapping[int, float]
    """The figure of each trial: corrected, if the estimate is."""
    corrected: bool
    spread: Spread = ONLY_THE_TRIALS


def is_corrected(expected: Expectation | None, conditions: Conditions) -> bool:
    """Return whether a point's figures are corrected; this depends only on its parameters.

    It must not depend on the spread of the trials: choosing the narrower of two intervals yields one that contains the
    true value less often than it claims.
    """
    if expected is None or not expected.waiting_ratio:
        return False
    return not expected.in_step or conditions.rate_per_s * expected.longest_wait_s < CHAOTIC_EVENTS_PER_WAIT


def corrections(
    expected: Expectation, beyond_model_s: float, events_per_trial: float, independent_clients: int
) -> dict[str, Correction]:
    """Return the correction of each of PLAIN.

    An event that is due just when a poll arrives is sent at once or a whole wait later. Within `beyond_model_s`, the
    usual latency beyond the model, the model cannot tell which. The probability of that is half this time · requests
    per second, so that it often does not happen in a few trials, and their spread does not show it. The number of
    polls on a schedule does not depend on it, except for polls at the start and the end of the window.
    """
    undecided_ratio = min(1.0, max(0.0, beyond_model_s) * _BEFORE_THE_SERVER_RATIO * expected.requests_per_s)
    per_wait = math.sqrt(undecided_ratio / max(events_per_trial * independent_clients, 1))
    at_edges = math.sqrt(2 * undecided_ratio / max(independent_clients, 1)) / max(events_per_trial, 1)
    per_request = per_wait if expected.in_step else at_edges
    return {
        "mean_ms": Correction(1000 * expected.mean_s, Spread(1000 * expected.longest_wait_s * per_wait)),
        "requests_per_event": Correction(expected.requests_per_event, Spread(per_request)),
        "requests_per_s": Correction(
            expected.requests_per_s, Spread(per_request * expected.requests_per_s / expected.requests_per_event)
        ),
    }


def estimates(trials: Trials, style: TransportStyle, point: Point) -> dict[str, Estimate]:
    """Return the figures of PLAIN that the point's trials have measured."""
    parameters = trials[0].info.parameters
    conditions = measured_conditions(trials, style)
    expected = MODELS[style.model].closed_form(conditions)
    pairs = {
        name: {trial.info.block: pair for trial in trials if (pair := pair_of(trial)) is not None}
        for name, pair_of in _PAIRS.items()
    }
    correcting: Mapping[str, Correction] = {}
    if expected is not None and is_corrected(expected, conditions):
        together = expected.in_step or parameters.phase == "locked"
        correcting = corrections(
            expected,
            _beyond_model_s(with_latency(trials)),
            float(np.mean([trial.sample_events for trial in trials])),
            1 if together else parameters.clients,
        )
    found = {}
    for name, plain in PLAIN.items():
        pooled, _ = plain(point)
        if pooled is None or not pairs[name]:
            continue
        correction = correcting.get(name)
        if correction is None:
            measured = {block: value for block, (value, _) in pairs[name].items()}
            found[name] = Estimate(pooled, measured, corrected=False)
        else:
            per_block = correction.per_block(pairs[name])
            value = float(np.mean(list(per_block.values())))
            found[name] = Estimate(value, per_block, corrected=True, spread=correction.spread)
    return found


def corrected_estimates(
    found: Mapping[str, Estimate], trials: Trials, point: Point, pilot_blocks: int | None
) -> Estimates:
    """Return the `estimates` of a point for the summary; a figure that was not measured is None."""
    fields = {}
    for name, plain in PLAIN.items():
        estimate = found.get(name)
        if estimate is None or not estimate.corrected:
            fields[name] = CorrectedEstimate(*plain(point), corrected=False)
            continue
        own = [trial for trial in trials if trial.info.block in estimate.per_block]
        values = [estimate.per_block[trial.info.block] for trial in own]
        possible: Interval = (trials[0].least_latency_ms, math.inf) if name == "mean_ms" else AT_LEAST_ZERO
        bounds = interval_of_trials(estimate.value, own, values, pilot_blocks, possible, estimate.spread)
        fields[name] = CorrectedEstimate(estimate.value, bounds, corrected=True)
    return Estimates(**fields)


def _mean_ms(trial: TrialMeasures) -> Pair | None:
    if not trial.clocks_agree or trial.latency_ms is None or trial.predicted_ms is None:
        return None
    return trial.latency_ms["mean"], trial.predicted_ms["mean"]


def _requests_per(divisor: float, trial: TrialMeasures) -> Pair | None:
    return (trial.requests.sent / divisor, trial.latencies.predicted_requests / divisor) if divisor else None


_PAIRS: dict[str, Callable[[TrialMeasures], Pair | None]] = {
    "mean_ms": _mean_ms,
    "requests_per_event": lambda trial: _requests_per(trial.due_deliveries, trial),
    "requests_per_s": lambda trial: _requests_per(trial.client_seconds, trial),
}


def _beyond_model_s(trials: Trials) -> float:
    """Return the median of the trials' medians of latency minus the model's; 0 without deliveries.

    The mean would include waits that the model does not have.
    """
    residuals_ns = [trial.latencies.residual_ns for trial in trials]
    medians_ns = [float(np.median(residual_ns)) for residual_ns in residuals_ns if len(residual_ns)]
    return float(np.median(medians_ns)) / 1e9 if medians_ns else 0.0
