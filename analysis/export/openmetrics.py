"""`openmetrics`: every figure of every point as a gauge in base units (seconds, bytes), at the time of the run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.exposition import choose_encoder

from analysis.compare.comparison import ReportedRun
from analysis.export.labels import labels_as_text, run_labels
from analysis.summary.point_figures import POINT_FIGURES, PointFigure
from contract.summary import Point

PREFIX = "push_vs_poll"
_PER_SECOND = {"ms": 1e3, "µs": 1e6, "s": 1.0}
"""The number of a figure's units in a second, the base unit of time."""


def text(run: ReportedRun) -> Iterator[bytes]:
    """Yield the exposition, which ends with `# EOF`."""
    encode, _ = choose_encoder("application/openmetrics-text")
    yield encode(_Exposition(run, run.info.started.timestamp()))


def metric_name(figure: PointFigure) -> tuple[str, str]:
    """Return the name of a figure's gauge without its unit, and its base unit, which is empty for a count."""
    base = "seconds" if figure.unit in _PER_SECOND else "ratio" if figure.name.endswith("_ratio") else figure.unit
    in_name = {"µs": "us"}.get(figure.unit, figure.unit) or "ratio"
    return re.sub(rf"_{in_name}(?=_|$)", "", f"{PREFIX}_{figure.name}".replace(".", "_")), base


@dataclass(frozen=True)
class _Exposition:
    """A run as a collector of prometheus_client."""

    run: ReportedRun
    start_s: float
    """When it was measured, in seconds since the epoch: the time of every sample."""

    def collect(self) -> Iterator[Metric]:
        """Yield the run itself, the validity of its points, and their figures."""
        run = self.run
        about = InfoMetricFamily(f"{PREFIX}_run", "The run that the figures belong to")
        about.add_metric([], labels_as_text(run_labels(run)), self.start_s)
        yield about
        validity = self._gauge(f"{PREFIX}_valid", "1 where the point and its run are valid, else 0", "")
        for point in run.summary.points:
            trusted = run.summary.valid and point.valid
            validity.add_metric(self._label_values(point), float(trusted), self.start_s)
        yield validity
        for figure in POINT_FIGURES.values():
            yield self._family(figure)

    def _family(self, figure: PointFigure) -> Metric:
        name, unit = metric_name(figure)
        family = self._gauge(name, f"{figure.label}, with its 95 % interval", unit, "bound")
        per_unit = _PER_SECOND.get(figure.unit, 1.0)
        for point in self.run.summary.points:
            value, interval = figure.value(point), figure.interval(point, self.run.pilot_blocks)
            low, high = interval or (None, None)
            for bound, found in (("estimate", value), ("low", low), ("high", high)):
                if value is not None and found is not None:
                    family.add_metric([*self._label_values(point), bound], found / per_unit, self.start_s)
        return family

    def _gauge(self, name: str, description: str, unit: str, *further: str) -> GaugeMetricFamily:
        labels = [*self._of_run, "transport", *self.run.summary.varied, *further]
        return GaugeMetricFamily(name, description, labels=labels, unit=unit)

    @property
    def _of_run(self) -> dict[str, str]:
        return {"run": self.run.name, "scenario": self.run.info.scenario["name"]}

    def _label_values(self, point: Point) -> Sequence[str]:
        own = [str(point.parameters.get(name, "")) for name in self.run.summary.varied]
        return [*self._of_run.values(), point.transport, *own]
