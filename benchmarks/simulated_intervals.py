"""How often the intervals of a report contain the true value, at simulated points."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from analysis.statistics import inference
from analysis.statistics.distribution import EVENTS_BEYOND, LATENCY_QUANTILES, spread_of, too_few_events
from analysis.summary.corrections import Correction, corrections, is_corrected
from analysis.summary.few_waits import expected_waits
from benchmarks.simulated_points import Floats, SimulatedTrials
from contract import quantiles
from contract.records import Ints


@dataclass(frozen=True)
class Reported:
    """A figure as a report prints it."""

    value: float
    per_trial: Floats
    spread: inference.Spread = inference.ONLY_THE_TRIALS
    withheld: bool = False
    """Whether it is printed without an interval."""

    @property
    def interval(self) -> inference.Interval | None:
        """The interval as it is printed; None if it is withheld."""
        return None if self.withheld else inference.interval(self.value, self.per_trial.tolist(), spread=self.spread)

    def less(self, reference: Reported) -> inference.Interval | None:
        """Return the interval of the difference to a reference whose trials were in the same blocks."""
        if self.withheld or reference.withheld:
            return None
        ours, theirs = (dict(enumerate(each.per_trial.tolist())) for each in (self, reference))
        spread = inference.Spread(math.hypot(self.spread.least, reference.spread.least), self.spread.factor)
        found = inference.paired_difference(ours, theirs, estimate=self.value - reference.value, spread=spread)
        return None if found is None else found.ci95


Figure = Callable[[SimulatedTrials, Ints], Reported]
"""A function from a point's trials and the indices of those that form a run to the reported figure."""


def plain_mean(trials: SimulatedTrials, chosen: Ints) -> Reported:
    """Report the mean latency as measured."""
    return _dependent_on_waits(trials, trials.latency_ms[chosen].mean(axis=1))


def mean(trials: SimulatedTrials, chosen: Ints) -> Reported:
    """Report the mean latency as tables show it."""
    correction = _correction(trials, chosen, "mean_ms")
    if correction is None:
        return plain_mean(trials, chosen)
    return _corrected(correction, trials.latency_ms[chosen].mean(axis=1), trials.own_mean_ms[chosen])


def requests_per_event(trials: SimulatedTrials, chosen: Ints) -> Reported:
    """Report requests per event as tables show them."""
    correction = _correction(trials, chosen, "requests_per_event")
    if correction is None:
        return plain_requests(trials, chosen)
    deliveries = trials.latency_ms.shape[1]
    return _corrected(correction, trials.requests[chosen] / deliveries, trials.own_requests[chosen] / deliveries)


def plain_requests(trials: SimulatedTrials, chosen: Ints) -> Reported:
    """Report requests per event as measured, which also stands for bytes per event."""
    return _dependent_on_waits(trials, trials.requests[chosen] / trials.latency_ms.shape[1])


def mean_age(trials: SimulatedTrials, chosen: Ints) -> Reported:
    """Report the mean age of the clients' views."""
    return _dependent_on_waits(trials, trials.mean_age_ms[chosen])


def cpu_per_event(trials: SimulatedTrials, chosen: Ints) -> Reported:
    """Report the server's CPU time per event."""
    values = trials.cpu_us_per_event[chosen]
    return Reported(float(values.mean()), values)


def quantile(name: str) -> Figure:
    """Return the figure of this quantile of latency."""
    share = LATENCY_QUANTILES[name]

    def reported(trials: SimulatedTrials, chosen: Ints) -> Reported:
        rows = trials.latency_ms[chosen]
        few = bool(too_few_events({name: share}, len(chosen) * trials.point.events))
        # Each row is in ascending order, so its quantile is one of its entries.
        rank = math.ceil(round(share * rows.shape[1], 6)) - 1
        return Reported(quantiles.quantiles(rows.ravel(), [share])[0], rows[:, rank], spread_of(name), few)

    return reported


FIGURES: Mapping[str, Figure] = {
    "plain mean": plain_mean,
    "mean": mean,
    "p50": quantile("p50"),
    "p95": quantile("p95"),
    "requests": requests_per_event,
    "plain requests, bytes": plain_requests,
    "mean age": mean_age,
    "CPU": cpu_per_event,
}
"""The figures by their names in the table."""


@dataclass(frozen=True)
class Coverage:
    """How often the intervals of many runs contain the true value, and their width."""

    ratio: float
    """Share of the intervals that contain the true value."""
    half_width: float
    """Median of half the width."""


def coverage(figure: Figure, trials: SimulatedTrials, blocks: int, runs: int, seed: int) -> Coverage | None:
    """Return how often the intervals of `runs` drawn runs contain the value of all trials; None if none is printed."""
    truth = figure(trials, np.arange(len(trials.latency_ms))).value
    return _share_of(_intervals(figure, trials, blocks, runs, seed), truth)


def coverage_of_difference(
    figure: Figure, trials: SimulatedTrials, reference: SimulatedTrials, blocks: int, runs: int, seed: int
) -> Coverage | None:
    """Return the coverage of the interval of the difference to a reference with the same streams."""
    everything = np.arange(len(trials.latency_ms))
    truth = figure(trials, everything).value - figure(reference, everything).value
    random = np.random.default_rng([seed, blocks])
    drawn = (random.integers(0, len(everything), blocks) for _ in range(runs))
    return _share_of((figure(trials, chosen).less(figure(reference, chosen)) for chosen in drawn), truth)


def _intervals(
    figure: Figure, trials: SimulatedTrials, blocks: int, runs: int, seed: int
) -> Iterable[inference.Interval | None]:
    random = np.random.default_rng([seed, blocks])
    return (figure(trials, random.integers(0, len(trials.latency_ms), blocks)).interval for _ in range(runs))


def _share_of(intervals: Iterable[inference.Interval | None], truth: float) -> Coverage | None:
    printed = [bounds for bounds in intervals if bounds is not None]
    if not printed:
        return None
    # An interval of zero width, as for a fixed number of requests, may miss the true value by rounding.
    rounding = 1e-9 * abs(truth)
    held = sum(low - rounding <= truth <= high + rounding for low, high in printed)
    return Coverage(held / len(printed), float(np.median([(high - low) / 2 for low, high in printed])))


def _dependent_on_waits(trials: SimulatedTrials, values: Floats) -> Reported:
    waits = expected_waits(trials.point.expected, len(values) * trials.point.events)
    return Reported(float(values.mean()), values, withheld=waits is not None and waits < EVENTS_BEYOND)


def _corrected(correction: Correction, measured: Floats, own: Floats) -> Reported:
    pairs = dict(enumerate(zip(measured.tolist(), own.tolist(), strict=True)))
    values = np.array(list(correction.per_block(pairs).values()))
    return Reported(float(values.mean()), values, correction.spread)


def _correction(trials: SimulatedTrials, chosen: Ints, name: str) -> Correction | None:
    point = trials.point
    if point.expected is None or not is_corrected(point.expected, point.conditions):
        return None
    beyond_s = float(np.median(trials.beyond_model_ms[chosen])) / 1000
    independent = 1 if point.expected.in_step else point.clients
    return corrections(point.expected, beyond_s, point.events, independent)[name]
