"""The comparison of a run with its baseline: every figure of every point that both have, with an outcome."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from analysis.compare.contrast import (
    MARGIN_RATIO,
    NO_EFFECT,
    Contrast,
    MachineEffect,
    Outcome,
    Side,
    contrast,
    geometric_mean,
    mean_effect,
)
from analysis.compare.machine_speed import SpeedChange, speed_change
from analysis.compare.matching import MatchedPoint, match_points
from analysis.compare.run_differences import run_differences, unsaved_changes
from analysis.statistics.inference import holm
from analysis.summary.noise_floor import figure_floor_ms
from analysis.summary.pairing import COSTS
from analysis.summary.point_figures import POINT_FIGURES, PointFigure
from contract.errors import UserError
from contract.points import OF_THE_SERVER
from contract.records import RunInfo, load_run_info
from contract.summary import Point, Summary, load_summary
from contract.times import RESOLUTION_MS
from contract.transports import TransportStyle
from terminal.wording import plural

COMPARED = tuple(
    figure
    for figure in POINT_FIGURES.values()
    if figure.cost in COSTS
    or figure.name in {f"latency_ms.{statistic}" for statistic in ("mean", "p50", "p95", "p99", "p999")}
)
"""The figures that are compared: those that a report compares with its reference, and the p99 and p99.9."""


@dataclass(frozen=True)
class ReportedRun:
    """A run that has a summary, or the part of it that was measured on one of its servers."""

    folder: Path
    info: RunInfo
    summary: Summary
    server: str | None = None
    """The server that these points were measured on; None: the whole run."""

    @classmethod
    def load(cls, folder: Path) -> ReportedRun:
        """Read a run's folder; raise UserError if it is no run, or has no summary."""
        return cls(folder, load_run_info(folder), load_summary(folder))

    @classmethod
    def load_comparable(cls, folder: Path) -> ReportedRun:
        """Read a run's folder; raise UserError also if its summary has no figures of single trials."""
        run = cls.load(folder)
        if not any(point.by_block for point in run.summary.points):
            raise UserError(
                f"{folder}: its summary does not have the figures of its trials, as it was made by an earlier version "
                f"(expected one with by_block: make report RUN={folder})"
            )
        return run

    def on_server(self, name: str) -> ReportedRun:
        """Return the part that was measured on one of its servers, like a run with that server alone."""
        points = tuple(
            replace(point, parameters=point.parameters.without(*OF_THE_SERVER))
            for point in self.summary.points
            if point.parameters.server == name
        )
        varied = tuple(name for name in self.summary.varied if name not in OF_THE_SERVER)
        stated = self.info.base_parameters.without(*OF_THE_SERVER)
        scenario = {**self.info.scenario, "parameters": dict(stated)}
        return replace(
            self,
            info=replace(self.info, scenario={key: value for key, value in scenario.items() if key != "servers"}),
            summary=replace(self.summary, points=points, varied=varied, base_point=None),
            server=name,
        )

    @property
    def name(self) -> str:
        """The folder's name, and that of the server."""
        return self.folder.resolve().name if self.server is None else f"{self.folder.resolve().name}-{self.server}"

    @property
    def pilot_blocks(self) -> int | None:
        """The number of first blocks, from which the spread is computed."""
        return self.info.scenario.get("repeats")

    def side(self, point: Point, figure: PointFigure) -> Side | None:
        """Return a figure of one of its points; None if it was not measured."""
        value = figure.value(point)
        if value is None:
            return None
        return Side(value, figure.by_block(point), self.pilot_blocks, figure.spread(point))

    def speed_since(self, baseline: ReportedRun) -> SpeedChange | None:
        """Return the change of the machine's speed from the baseline to this run.

        None if it is the same run, and if one of them has not timed it.
        """
        if baseline.info.started_at == self.info.started_at:
            return None
        return speed_change(baseline.summary, self.summary)


@dataclass(frozen=True)
class Row:
    """One point of one figure, or all points of a transport together."""

    label: str
    transport: str
    contrast: Contrast | None
    """None if one of the runs did not measure the figure."""
    geometric_mean: bool = False


@dataclass(frozen=True)
class FigureComparison:
    """One figure at all points."""

    figure: PointFigure
    rows: tuple[Row, ...]

    @property
    def judged(self) -> list[Row]:
        """Rows of points that both runs measured."""
        return [row for row in self.rows if row.contrast is not None and not row.geometric_mean]


@dataclass(frozen=True)
class Comparison:
    """One run beside the baseline."""

    baseline: ReportedRun
    other: ReportedRun
    unlike: tuple[str, ...]
    """Sentences on other differences between the runs, which may have changed the figures."""
    notes: tuple[str, ...]
    figures: tuple[FigureComparison, ...]
    points: tuple[MatchedPoint, ...]

    @property
    def transports(self) -> tuple[TransportStyle, ...]:
        """The transports of both runs."""
        return tuple(dict.fromkeys((*self.baseline.info.transports, *self.other.info.transports)))

    @property
    def in_the_same_blocks(self) -> bool:
        """Whether both sides are different servers of the same run."""
        return self.baseline.server is not None and self.baseline.folder == self.other.folder

    @property
    def outcomes(self) -> Counter[Outcome]:
        """The number of figures of points with each outcome."""
        return Counter(row.contrast.outcome for each in self.figures for row in each.judged if row.contrast is not None)


def compare_runs(baseline: ReportedRun, other: ReportedRun) -> Comparison:
    """Compare a run with its baseline; raise UserError if they have no point in common."""
    matching = match_points(baseline.summary, other.summary)
    if not matching.points:
        ours, theirs = (", ".join(run.info.servers) or "none" for run in (baseline, other))
        servers = "" if ours == theirs else f": the servers of the first are {ours}, of the second {theirs}"
        raise UserError(
            f"{baseline.folder} and {other.folder}: no point in common{servers} (expected runs that share transport "
            "and parameters)"
        )
    scenarios = run_differences(baseline.info, other.info, baseline.summary, other.summary)
    settings = [f"{name}: A has {ours}, B has {theirs}" for name, ours, theirs in matching.settings]
    further = [sentence for sentence in settings if not any(each.endswith(sentence) for each in scenarios)]
    unmatched = f"{plural(matching.unmatched, 'point')} in one run only, not compared" if matching.unmatched else None
    speed = other.speed_since(baseline)
    notes = [
        None if speed is None else speed.sentence,
        unmatched,
        unsaved_changes(baseline.info.checkout, other.info.checkout),
    ]
    return Comparison(
        baseline,
        other,
        (*scenarios, *further),
        tuple(note for note in notes if note is not None),
        tuple(_figures(baseline, other, matching.points, speed)),
        matching.points,
    )


def machine_effect(
    speed: SpeedChange | None, figure: PointFigure, points: tuple[Point, Point], sides: tuple[Side, Side]
) -> MachineEffect:
    """Return what a change of the machine's speed may have changed of a figure of the same point in two runs."""
    if speed is None:
        return NO_EFFECT
    computed = figure.computed_part(points[0]), figure.computed_part(points[1])
    return speed.effect((sides[0].value, sides[1].value), computed)


def _figures(
    baseline: ReportedRun, other: ReportedRun, points: Sequence[MatchedPoint], speed: SpeedChange | None
) -> Iterable[FigureComparison]:
    for figure in COMPARED:
        found = [_sides(baseline, other, point, figure) for point in points]
        if not any(sides is not None for sides in found):
            continue
        contrasts = [
            None
            if sides is None
            else contrast(
                *sides,
                _margin_ratio(baseline, other, point, figure, sides),
                paired=_paired(baseline, other),
                machine=machine_effect(speed, figure, (point.baseline, point.other), sides),
            )
            for point, sides in zip(points, found, strict=True)
        ]
        rows = [
            Row(point.label, point.transport, each) for point, each in zip(points, _corrected(contrasts), strict=True)
        ]
        yield FigureComparison(figure, (*rows, *_means(baseline, other, points, found, contrasts)))


def _sides(
    baseline: ReportedRun, other: ReportedRun, point: MatchedPoint, figure: PointFigure
) -> tuple[Side, Side] | None:
    ours, theirs = baseline.side(point.baseline, figure), other.side(point.other, figure)
    return None if ours is None or theirs is None else (ours, theirs)


def _paired(baseline: ReportedRun, other: ReportedRun) -> bool:
    return baseline.info.seed == other.info.seed


def _corrected(contrasts: Sequence[Contrast | None]) -> list[Contrast | None]:
    """Return the contrasts with p values corrected for the number of a figure's points (Holm)."""
    p_values = {i: p for i, each in enumerate(contrasts) if each is not None and (p := each.p_value) is not None}
    adjusted = dict(zip(p_values, holm(list(p_values.values())), strict=True))
    return [
        each.adjusted(adjusted[i]) if each is not None and i in adjusted else each for i, each in enumerate(contrasts)
    ]


def _margin_ratio(
    baseline: ReportedRun, other: ReportedRun, point: MatchedPoint, figure: PointFigure, sides: tuple[Side, Side]
) -> float:
    """Return the largest of MARGIN_RATIO, the noise floor of the transport, and the resolution, as a ratio."""
    value = min(side.value for side in sides)
    if value <= 0 or figure.unit != "ms":
        return MARGIN_RATIO
    least_ms = [RESOLUTION_MS]
    blocks = min(len(side.by_block) for side in sides)
    for run, own in ((baseline, point.baseline), (other, point.other)):
        floor = figure_floor_ms(run.summary.noise_floor, figure.name, own, blocks)
        least_ms += [] if floor is None else [floor]
    return max(MARGIN_RATIO, max(least_ms) / value)


def _means(
    baseline: ReportedRun,
    other: ReportedRun,
    points: Sequence[MatchedPoint],
    found: Sequence[tuple[Side, Side] | None],
    contrasts: Sequence[Contrast | None],
) -> Iterable[Row]:
    """Return a row per transport that has the figure at more than one point, none of them zero.

    The margin of their mean is the mean of their margins.
    """
    labels = {style.name: style.label for style in baseline.summary.transports}
    for transport in dict.fromkeys(point.transport for point in points):
        pairs: list[tuple[Side, Side]] = []
        margins: list[float] = []
        effects: list[MachineEffect] = []
        for point, sides, each in zip(points, found, contrasts, strict=True):
            if point.transport == transport and sides is not None and all(side.positive for side in sides):
                assert each is not None
                pairs.append(sides)
                margins.append(math.log1p(each.margin_ratio))
                effects.append(each.machine)
        if len(pairs) < 2:
            continue
        ours, theirs = (geometric_mean([pair[i] for pair in pairs]) for i in (0, 1))
        margin_ratio = math.expm1(math.fsum(margins) / len(margins))
        machine = mean_effect(effects, ours.value)
        mean = contrast(ours, theirs, margin_ratio, paired=_paired(baseline, other), machine=machine)
        yield Row(
            f"{labels.get(transport, transport)}, geometric mean of {len(pairs)}", transport, mean, geometric_mean=True
        )
