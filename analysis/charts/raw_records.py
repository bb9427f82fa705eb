"""The raw records that charts need: trials at the base point, and every delivery's deviation from the model."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from analysis.statistics.distribution import NS_PER_MS
from analysis.trial.freshness import ViewAges
from analysis.trial.latency import Floats, MeasuredLatencies
from analysis.trial.measures import TrialMeasures
from contract.points import agrees
from contract.records import Ints, RunInfo, Trial
from contract.records.measured import is_measured
from contract.transports import TransportStyle

DELIVERIES_PER_TRIAL = 2000
"""The most deliveries of one trial in a chart of all trials."""
MOST_DOTS = 5000
"""The most deliveries in a chart of one trial of each transport."""


@dataclass(frozen=True)
class DrawnLatencies:
    """The latencies of one trial in a chart, as in MeasuredLatencies."""

    events: int
    """The number of independent events in them."""
    latency_ns: Ints
    predicted_ns: Ints


@dataclass(frozen=True)
class Dots:
    """Deliveries of one trial, every k-th in the order of arrival, so that there are not too many to draw."""

    due_ns: Ints
    latency_ms: Floats
    recorded: int
    """The number of all deliveries."""


@dataclass(frozen=True)
class BaseTrials:
    """The finished trials of one transport at the base point, in the order in which they ran; at least one."""

    transport: TransportStyle
    first: Trial
    """The trial that timeline and lanes show, chosen independently of its results; it holds deliveries and requests of
    its first client only."""
    first_dots: Dots
    """The measured deliveries of the first trial."""
    measured: list[DrawnLatencies]
    """The drawn latencies, one entry per trial."""
    ages: list[ViewAges]
    """The ages of views, one entry per trial; empty if the clients send."""


@dataclass(frozen=True)
class _TrialRecords:
    """The records of one trial that charts may need."""

    index: int
    style: TransportStyle
    predicted_ms: Floats
    latency_ms: Floats
    drawn: DrawnLatencies | None
    """None if the trial is not at the base point, as for `ages`."""
    ages: ViewAges | None


class ChartMaterial:
    """Collects the records for charts trial by trial, so that each trial is read only once and not kept.

    Pass `add` to `summarize_run`, which calls it with each trial.
    """

    def __init__(self, run: RunInfo, per_trial: int = DELIVERIES_PER_TRIAL) -> None:
        self._run = run
        self._per_trial = per_trial
        self._seen: list[_TrialRecords] = []
        self._first: dict[str, tuple[Trial, Dots]] = {}

    def add(self, trial: Trial, style: TransportStyle, measures: TrialMeasures) -> None:
        """Add one finished trial of the run, in any order."""
        latencies, shared = measures.latencies, self._run.base_parameters
        parameters = trial.info.parameters
        base = agrees(parameters, shared)
        rows = thinned(len(latencies), self._per_trial)
        self._seen.append(
            _TrialRecords(
                trial.info.index,
                style,
                np.where(latencies.modelled[rows], latencies.model_ns[rows] / NS_PER_MS, np.nan),
                latencies.latency_ns[rows] / NS_PER_MS,
                DrawnLatencies(measures.sample_events, latencies.latency_ns, latencies.predicted_ns) if base else None,
                measures.ages if base else None,
            )
        )
        known = self._first.get(style.name)
        if base and (known is None or trial.info.index < known[0].info.index):
            self._first[style.name] = _of_first_client(trial), self._dots(trial, latencies)

    def _dots(self, trial: Trial, latencies: MeasuredLatencies) -> Dots:
        """Return the dots of one trial, at most its transport's share of MOST_DOTS."""
        rows = thinned(len(latencies), MOST_DOTS // len(self._run.transports))
        return Dots(
            trial.deliveries.due_ns[np.flatnonzero(is_measured(trial))[rows]],
            latencies.latency_ns[rows] / NS_PER_MS,
            len(latencies),
        )

    def base_trials(self) -> list[BaseTrials]:
        """Return the trials at the base parameters, for each transport of the run that has any."""
        groups = []
        for style in self._run.transports:
            own = [seen for seen in self._of(style) if seen.drawn is not None]
            if own:
                drawn = [seen.drawn for seen in own if seen.drawn is not None]
                ages = [seen.ages for seen in own if seen.ages is not None]
                groups.append(BaseTrials(style, *self._first[style.name], drawn, ages))
        return groups

    def residuals(self) -> list[Residuals]:
        """Return the residuals of every transport, up to `per_trial` deliveries of each trial."""
        found = []
        for style in self._run.transports:
            if own := self._of(style):
                predicted_ms = np.concatenate([seen.predicted_ms for seen in own])
                found.append(Residuals.of(style, predicted_ms, np.concatenate([seen.latency_ms for seen in own])))
        return found

    def _of(self, style: TransportStyle) -> list[_TrialRecords]:
        return sorted((seen for seen in self._seen if seen.style.name == style.name), key=lambda seen: seen.index)


def _of_first_client(trial: Trial) -> Trial:
    client = int(trial.clients.client[0]) if len(trial.clients) else 0
    deliveries = trial.deliveries.where(trial.deliveries.client == client)
    return dataclasses.replace(
        trial, deliveries=deliveries, requests=trial.requests.where(trial.requests.client == client), written=None
    )


@dataclass(frozen=True)
class Residuals:
    """Deliveries of one transport over all points and trials of a run."""

    transport: TransportStyle
    predicted_ms: Floats
    """Latency by the model on the trial's own schedule, shape (deliveries,)."""
    residual_ms: Floats
    """Measured latency − the model's, shape (deliveries,)."""

    @classmethod
    def of(cls, style: TransportStyle, predicted_ms: Floats, latency_ms: Floats) -> Residuals:
        """Return the residuals of deliveries with these predicted and measured latencies, in the order of recording."""
        # An event that arrived although the model predicts that it is lost has no residual.
        known = np.isfinite(predicted_ms)
        return cls(style, predicted_ms[known], (latency_ms - predicted_ms)[known])

    def thinned(self, limit: int) -> Residuals:
        """Return at most `limit` of them, every k-th in the order of recording."""
        chosen = thinned(len(self.predicted_ms), limit)
        return Residuals(self.transport, self.predicted_ms[chosen], self.residual_ms[chosen])


def thinned(count: int, limit: int) -> Ints:
    """Return indices of at most `limit` of `count` rows: every k-th, the same each time."""
    step = max(-(-count // limit), 1)
    return np.arange(0, count, step, dtype=np.int64)
