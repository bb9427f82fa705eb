"""What charts read from raw records: the trials at the base point, and every delivery's distance from the model."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from analysis.statistics.distribution import NS_PER_MS
from analysis.statistics.long_columns import Times
from analysis.summary.same_point import agrees
from analysis.trial.freshness import ViewAges
from analysis.trial.latency import Floats, MeasuredLatencies
from analysis.trial.measures import TrialMeasures
from contract.records import Ints, RunInfo, Trial
from contract.records.measured import is_measured
from contract.transports import TransportStyle

DELIVERIES_PER_TRIAL = 2000
"""As many as a chart of all trials can be made of."""
MOST_DOTS = 5000
"""In a chart of one trial of each transport."""


@dataclass(frozen=True)
class Drawn:
    """What is drawn of one trial's latencies, as in MeasuredLatencies."""

    events: int
    """How many events they rest on."""
    latency_ns: Times
    predicted_ns: Times


@dataclass(frozen=True)
class Dots:
    """Deliveries of one trial, every k-th in the order of arrival, so that they are at most as many as are drawn."""

    due_ns: Ints
    latency_ms: Floats
    recorded: int
    """Deliveries that there are in all."""


@dataclass(frozen=True)
class BaseTrials:
    """The finished trials of one transport at the base point, in the order they ran; at least one."""

    transport: TransportStyle
    first: Trial
    """The one that timeline and lanes show, chosen before looking at it; of its deliveries and requests only those of
    its first client."""
    first_dots: Dots
    """Of the first trial's measured deliveries."""
    measured: list[Drawn]
    """One per trial."""
    ages: list[ViewAges]
    """One per trial; none where clients send."""


@dataclass(frozen=True)
class _Seen:
    """Of one trial, what charts may need."""

    index: int
    style: TransportStyle
    predicted_ms: Floats
    latency_ms: Floats
    drawn: Drawn | None
    """None where it is not at the base point, as for what follows."""
    ages: ViewAges | None


class ChartMaterial:
    """What charts take from raw records, gathered trial by trial, so that each is read only once and none is kept.

    Its `add` goes to `summarize_run`, whose measures it shares.
    """

    def __init__(self, run: RunInfo, per_trial: int = DELIVERIES_PER_TRIAL) -> None:
        self._run = run
        self._per_trial = per_trial
        self._seen: list[_Seen] = []
        self._first: dict[str, tuple[Trial, Dots]] = {}

    def add(self, trial: Trial, style: TransportStyle, measures: TrialMeasures) -> None:
        """One finished trial of the run, in any order."""
        latencies, shared = measures.latencies, self._run.scenario["parameters"]
        parameters = trial.info.parameters
        base = agrees(parameters, shared)
        rows = thinned(len(latencies), self._per_trial)
        self._seen.append(
            _Seen(
                trial.info.index,
                style,
                np.where(latencies.modelled[rows], latencies.model_ns[rows] / NS_PER_MS, np.nan),
                latencies.latency_ns[rows] / NS_PER_MS,
                Drawn(measures.sample_events, latencies.latency_ns, latencies.predicted_ns) if base else None,
                measures.ages if base else None,
            )
        )
        known = self._first.get(style.name)
        if base and (known is None or trial.info.index < known[0].info.index):
            self._first[style.name] = _of_first_client(trial), self._dots(trial, latencies)

    def _dots(self, trial: Trial, latencies: MeasuredLatencies) -> Dots:
        """As many as each transport of the run has room for in one chart."""
        rows = thinned(len(latencies), MOST_DOTS // len(self._run.transports))
        return Dots(
            trial.deliveries.due_ns[np.flatnonzero(is_measured(trial))[rows]],
            latencies.latency_ns[rows] / NS_PER_MS,
            len(latencies),
        )

    def base_trials(self) -> list[BaseTrials]:
        """Trials at the base parameters, by transport in the order of the run; without any: left out."""
        groups = []
        for style in self._run.transports:
            own = [seen for seen in self._of(style) if seen.drawn is not None]
            if own:
                drawn = [seen.drawn for seen in own if seen.drawn is not None]
                ages = [seen.ages for seen in own if seen.ages is not None]
                groups.append(BaseTrials(style, *self._first[style.name], drawn, ages))
        return groups

    def residuals(self) -> list[Residuals]:
        """Of every transport, up to `per_trial` deliveries of each trial."""
        found = []
        for style in self._run.transports:
            if own := self._of(style):
                predicted_ms = np.concatenate([seen.predicted_ms for seen in own])
                found.append(Residuals.of(style, predicted_ms, np.concatenate([seen.latency_ms for seen in own])))
        return found

    def _of(self, style: TransportStyle) -> list[_Seen]:
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
        """Of deliveries with these latencies, in the order of recording."""
        # What came although the model takes it for lost has no residual.
        known = np.isfinite(predicted_ms)
        return cls(style, predicted_ms[known], (latency_ms - predicted_ms)[known])

    def thinned(self, limit: int) -> Residuals:
        """At most `limit` of them, every k-th in the order of recording."""
        chosen = thinned(len(self.predicted_ms), limit)
        return Residuals(self.transport, self.predicted_ms[chosen], self.residual_ms[chosen])


def thinned(count: int, limit: int) -> Ints:
    """Indices of at most `limit` of `count` rows: every k-th, the same each time."""
    step = max(-(-count // limit), 1)
    return np.arange(0, count, step, dtype=np.int64)
