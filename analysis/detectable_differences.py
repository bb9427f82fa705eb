"""The smallest differences that a planned run can show, estimated from the spread between an earlier run's trials."""

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
from contract.parameters import WITHOUT_EFFECT
from contract.points import Identity, agrees_but_for_server, identity
from contract.records import PlannedTrial, RunInfo
from contract.summary import Point
from contract.times import RESOLUTION_MS
from terminal.wording import plural

FIGURES = tuple(POINT_FIGURES[name] for name in ("latency_ms.p50", "latency_ms.p95", "server_cpu_us_per_event"))
"""The figures that verdicts compare."""


@dataclass(frozen=True)
class Detectable:
    """The smallest difference of one figure of one transport."""

    figure: PointFigure
    smallest: float
    of: float
    """The transport's own figure in the earlier run."""
    limit: str = ""
    """The reason why a smaller difference does not count; empty if it is the spread between blocks."""

    @property
    def words(self) -> str:
        """The difference with its unit, and relative to the figure."""
        relative = f", {percent(self.smallest / self.of)}" if self.of > 0 else ""
        limit = f", {self.limit}" if self.limit else ""
        return f"{self.figure.label} {digits(self.smallest)} {self.figure.unit}{relative}{limit}"


Trials = Sequence[PlannedTrial]
"""The planned trials of one point."""


@dataclass(frozen=True)
class PlannedComparison:
    """Points that a planned run will compare with others, in pairs."""

    beginning: str
    """The beginning of a sentence that names the differences."""
    pairs: Mapping[str, tuple[Trials, Trials]]
    """By the label of a transport, the trials of its point and of the point that it is compared with."""

    @property
    def blocks(self) -> int:
        """The number of blocks that all points will have."""
        return min(len(trials) for pair in self.pairs.values() for trials in pair)


def describe_detectable(run: RunInfo, results: Path) -> Iterator[str]:
    """Yield lines on the differences that a run can show, from the newest earlier run with the same base points."""
    earlier = earlier_runs(results, run)
    command = f": make bench SCENARIO={scenario}" if (scenario := run.asked.get("SCENARIO")) else ""
    unknown = (
        f"not known, as no valid run under {results} has measured these base points on this machine "
        f"(a run of this scenario does{command})"
    )
    for comparison in planned_comparisons(run):
        if not comparison.pairs:
            yield f"{comparison.beginning}: there is no other transport at the base parameters"
        elif comparison.blocks < LEAST_BLOCKS:
            none = f"none in {plural(comparison.blocks, 'block')} (expected repeats of at least {LEAST_BLOCKS})"
            yield f"{comparison.beginning}: {none}"
        else:
            yield from _by_earlier_run(comparison, earlier) or [f"{comparison.beginning}: {unknown}"]


def planned_comparisons(run: RunInfo) -> Iterator[PlannedComparison]:
    """Yield the comparisons at the base point: of transports with the reference, and of servers with the first one."""
    points = _base_points(run)
    labels = {style.name: style.label for style in run.transports}
    first = next(iter(run.servers), None)
    reference = points.get((run.reference, first))
    others = {
        labels[transport]: (trials, reference)
        for (transport, server), trials in points.items()
        if reference is not None and server == first and transport != run.reference
    }
    # Servers may be compared by a single transport.
    if others or not run.servers:
        where = f" on server {first}" if first else ""
        yield PlannedComparison(f"smallest difference from {labels[run.reference]}{where}", others)
    for server in run.servers[1:]:
        pairs = {
            labels[transport]: (trials, points[transport, first])
            for (transport, own), trials in points.items()
            if own == server
        }
        yield PlannedComparison(f"smallest difference of server {server} from server {first}", pairs)


def _by_earlier_run(comparison: PlannedComparison, earlier_runs: Sequence[EarlierRun]) -> list[str]:
    """Return a line per transport, from the newest earlier run that has one of the pairs; empty if none has."""
    for earlier in earlier_runs:
        found = {label: detectable(*pair, earlier) for label, pair in comparison.pairs.items()}
        if any(found.values()):
            return [
                f"{comparison.beginning} that {comparison.blocks} blocks show in {100 * POWER:g} % of all runs, at "
                f"95 % confidence, by the spread of {earlier.name}:",
                *(
                    f"  {label}: {'; '.join(each.words for each in differences) or 'not known'}"
                    for label, differences in found.items()
                ),
            ]
    return []


def detectable(ours: Trials, theirs: Trials, earlier: EarlierRun) -> list[Detectable]:
    """Return the smallest differences between two planned points; empty if the earlier run lacks one of them."""
    points = _measured(earlier, ours[0]), _measured(earlier, theirs[0])
    if points[0] is None or points[1] is None:
        return []
    blocks = min(len(ours), len(theirs))
    found = [_of_figure(figure, points[0], points[1], blocks, earlier) for figure in FIGURES]
    return [each for each in found if each is not None]


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


def _base_points(run: RunInfo) -> dict[tuple[str, str | None], list[PlannedTrial]]:
    """Return the planned trials of the first point at the base parameters of each transport on each server."""
    points: dict[tuple[str, str | None], list[PlannedTrial]] = {}
    for planned in run.plan:
        if agrees_but_for_server(planned.parameters, run.base_parameters):
            trials = points.setdefault((planned.transport, planned.parameters.server), [])
            if not trials or planned.point == trials[0].point:
                trials.append(planned)
    order = [style.name for style in run.transports]
    return dict(sorted(points.items(), key=lambda point: order.index(point[0][0])))


def _measured(earlier: EarlierRun, planned: PlannedTrial) -> Point | None:
    """Return the valid point of an earlier run with the same parameters, the measured length included."""
    wanted = _same(planned.transport, planned.parameters)
    points = earlier.summary.points
    return next((p for p in points if p.valid and _same(p.transport, p.parameters) == wanted), None)


def _same(transport: str, parameters: Mapping[str, Any]) -> Identity:
    return identity(transport, parameters, ("warm_up_s", *WITHOUT_EFFECT))
