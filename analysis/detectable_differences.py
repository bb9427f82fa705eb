"""The smallest differences from the reference that a planned run can show, by the spread of an earlier run."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.formatting import figure as digits
from analysis.formatting import percent
from analysis.statistics import inference
from analysis.statistics.inference import POWER, smallest_detectable
from analysis.summary.earlier_runs import EarlierRun, earlier_runs
from analysis.summary.noise_floor import STATISTICS, floor_ms
from analysis.summary.point_figures import POINT_FIGURES, PointFigure
from analysis.verdict.claims import LEAST_BLOCKS
from analysis.verdict.latency_differences import RESOLUTION_MS
from contract.parameters import WITHOUT_EFFECT
from contract.records import PlannedTrial, RunInfo
from contract.same_point import Identity, agrees, identity
from contract.summary import Point
from terminal.wording import plural

FIGURES = tuple(POINT_FIGURES[name] for name in ("latency_ms.p50", "latency_ms.p95", "server_cpu_us_per_event"))
"""The figures on which verdicts rest."""


@dataclass(frozen=True)
class Detectable:
    """The smallest difference of one figure of one transport."""

    figure: PointFigure
    smallest: float
    of: float
    """The transport's own figure in the earlier run."""
    limit: str = ""
    """What prevents a smaller difference from counting, unless it is the spread between blocks."""

    @property
    def words(self) -> str:
        """The difference with its unit, and relative to the figure."""
        relative = f", {percent(self.smallest / self.of)}" if self.of > 0 else ""
        limit = f", {self.limit}" if self.limit else ""
        return f"{self.figure.label} {digits(self.smallest)} {self.figure.unit}{relative}{limit}"


def describe_detectable(run: RunInfo, results: Path) -> Iterator[str]:
    """Yield lines on what a run can show, by the newest earlier run in a folder that measured the same base points."""
    points = _base_points(run)
    blocks = min((len(trials) for trials in points.values()), default=0)
    labels = {style.name: style.label for style in run.transports}
    others = [name for name in points if name != run.reference] if run.reference in points else []
    beginning = f"smallest difference from {labels[run.reference]}"
    if not others:
        yield f"{beginning}: there is no other transport at the base parameters"
        return
    if blocks < LEAST_BLOCKS:
        yield f"{beginning}: none in {plural(blocks, 'block')} (expected repeats of at least {LEAST_BLOCKS})"
        return
    for earlier in earlier_runs(results, run):
        found = {name: detectable(run.reference, name, points, earlier) for name in others}
        if any(found.values()):
            yield (
                f"{beginning} that {blocks} blocks show in {100 * POWER:g} % of all runs, at 95 % confidence, by the "
                f"spread of {earlier.name}:"
            )
            for name in others:
                shown = "; ".join(each.words for each in found[name]) or "not known"
                yield f"  {labels[name]}: {shown}"
            return
    command = f": make bench SCENARIO={scenario}" if (scenario := run.asked.get("SCENARIO")) else ""
    yield (
        f"{beginning}: not known, as no valid run under {results} has measured these base points on this machine "
        f"(a run of this scenario does{command})"
    )


def detectable(
    reference: str, transport: str, points: dict[str, list[PlannedTrial]], earlier: EarlierRun
) -> list[Detectable]:
    """Return the smallest differences of a transport from the reference; empty if the earlier run lacks a point."""
    ours, theirs = (_measured(earlier, points[name][0]) for name in (transport, reference))
    if ours is None or theirs is None:
        return []
    blocks = min(len(points[transport]), len(points[reference]))
    return [found for figure in FIGURES if (found := _of_figure(figure, ours, theirs, blocks, earlier)) is not None]


def _of_figure(figure: PointFigure, ours: Point, theirs: Point, blocks: int, earlier: EarlierRun) -> Detectable | None:
    value, pilot_blocks = figure.value(ours), earlier.info.scenario.get("repeats")
    difference = inference.paired_difference(figure.by_block(ours), figure.by_block(theirs), pilot_blocks)
    if value is None or difference is None or difference.standard_error is None:
        return None
    least = math.hypot(*(figure.spread(point).least for point in (ours, theirs)))
    known = inference.Spread(least, figure.spread(ours).factor)
    spread = difference.standard_error * math.sqrt(difference.pairs)
    smallest = Detectable(figure, smallest_detectable(spread, blocks, known), value)
    return max((smallest, *_limits(figure, value, (ours, theirs), blocks, earlier)), key=lambda each: each.smallest)


def _limits(
    figure: PointFigure, value: float, points: Sequence[Point], blocks: int, earlier: EarlierRun
) -> Iterator[Detectable]:
    """Yield the differences of a latency below which a verdict claims nothing, however small the spread."""
    folder, _, statistic = figure.name.partition(".")
    if folder != "latency_ms":
        return
    yield Detectable(figure, RESOLUTION_MS, value, "below which nothing is claimed")
    floor = floor_ms(earlier.summary.noise_floor, points, statistic, blocks) if statistic in STATISTICS else None
    if floor is not None:
        yield Detectable(figure, floor, value, "the noise floor")


def _base_points(run: RunInfo) -> dict[str, list[PlannedTrial]]:
    """Return the planned trials of each transport's first point at the base parameters."""
    points: dict[str, list[PlannedTrial]] = {}
    for planned in run.plan:
        if agrees(planned.parameters, run.base_parameters):
            first = points.setdefault(planned.transport, [planned])[0]
            if planned.point == first.point and planned is not first:
                points[planned.transport].append(planned)
    return {style.name: points[style.name] for style in run.transports if style.name in points}


def _measured(earlier: EarlierRun, planned: PlannedTrial) -> Point | None:
    """Return the point of an earlier run that is the same measurement, the length of its trials included."""
    wanted = _same(planned.transport, planned.parameters)
    points = earlier.summary.points
    return next((p for p in points if p.valid and _same(p.transport, p.parameters) == wanted), None)


def _same(transport: str, parameters: Mapping[str, Any]) -> Identity:
    return identity(transport, parameters, ("warm_up_s", *WITHOUT_EFFECT))
