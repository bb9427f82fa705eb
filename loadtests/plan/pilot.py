"""The pilot of a run with a precision: how many trials each point needs, and the plan of the further trials.

Stein's two-stage procedure (C. Stein, A two-sample test for a linear hypothesis whose power is independent of the
variance, Ann. Math. Stat. 16, 1945, 243-258). The first blocks are a pilot. Their spread alone determines, once and for
all, how many trials a point needs until its median is as precise as the scenario asks. Checking after every block and
stopping as soon as the interval happens to be narrow would favour moments at which the spread is underestimated, and
such intervals cover less than they claim; see `python -m benchmarks.interval_coverage`.
"""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Sequence
from pathlib import Path

from contract.points import differing, point_name
from contract.quantiles import quantiles
from contract.records import PlannedTrial, PointPrecision, RunInfo, Trial
from contract.records.measured import is_measured
from contract.times import RESOLUTION_MS
from contract.transports import TRANSPORTS
from loadtests.plan.blocks import plan_further
from loadtests.plan.durations import ANALYSIS_S, expected_seconds
from loadtests.plan.scenario import Scenario
from terminal.wording import minutes_and_seconds, plural

CONFIDENCE = 0.95
_NS_PER_MS = 1e6


def p50_ms(trial: Trial) -> float | None:
    """Return the median latency of a trial, ms, as the report defines it; None if no delivery was measured."""
    rows = trial.deliveries.where(is_measured(trial))
    if not len(rows):
        return None
    [p50_ns] = quantiles(trial.arrivals_ns(rows) - rows.due_ns, [0.5])
    return p50_ns / _NS_PER_MS


def judge_pilot(point: int, pilot_ms: Sequence[float], precision_ratio: float) -> PointPrecision | None:
    """Compute the trials that a point needs from the medians of its pilot trials, ms; None for fewer than two medians.

    The interval's half-width h need be no smaller than `precision_ratio` of the pilot's mean, nor than RESOLUTION_MS.
    Then N = (t s / h)² trials are enough, with s the pilot's standard deviation
    and t Student's with the pilot's n - 1 degrees of freedom.
    """
    from scipy.special import stdtrit  # noqa: PLC0415 - slow to import, and only runs with a precision need it

    if len(pilot_ms) < 2:
        return None
    wanted_ms = max(precision_ratio * abs(statistics.fmean(pilot_ms)), RESOLUTION_MS)
    t = float(stdtrit(len(pilot_ms) - 1, (1 + CONFIDENCE) / 2))
    needed = math.ceil((t * statistics.stdev(pilot_ms) / wanted_ms) ** 2)
    return PointPrecision(point, wanted_ms, max(needed, len(pilot_ms)))


_NAMED_POINTS = 4


def extend_plan(folder: Path, scenario: Scenario, precision_ratio: float, run: RunInfo, elapsed_s: float) -> RunInfo:
    """Return run.json with the pilot's results, and the further trials for which the budget has time.

    `run` is the run.json from before the pilot, whose trials are in `folder` and took `elapsed_s`.
    """
    medians_ms: dict[int, list[float]] = {}
    for trial in run.plan:
        median_ms = p50_ms(Trial.load(folder / "trials" / trial.folder_name))
        if median_ms is not None:
            medians_ms.setdefault(trial.point, []).append(median_ms)
    judged = (judge_pilot(point, found, precision_ratio) for point, found in sorted(medians_ms.items()))
    precision = tuple(point for point in judged if point is not None)
    # A machine on which trials take longer than planned has room for fewer.
    pace = max(1.0, elapsed_s / (expected_seconds(run.plan) - ANALYSIS_S))
    left_s = (scenario.budget_s - elapsed_s - ANALYSIS_S) / pace
    missing = {point.point: point.trials_needed - scenario.repeats for point in precision}
    further = plan_further(scenario, run.seed, run.plan, missing, left_s)
    return dataclasses.replace(run, plan=(*run.plan, *further), precision=precision)


def describe_extension(scenario: Scenario) -> str:
    """Return the end of a sentence on the further trials of a scenario with a precision; empty without one."""
    if scenario.precision is None:
        return ""
    return (
        f", then more of the points whose p50 is not known to {100 * scenario.precision:g} %, "
        f"within {scenario.budget_s:g} s"
    )


def describe_pilot(run: RunInfo, pilot: int) -> str:
    """Return a sentence on how many points are known after the first `pilot` trials, and on the further trials."""
    blocks, further = run.scenario["repeats"], run.plan[pilot:]
    so_far = f"{_known(run, run.plan[:pilot])} after {blocks} blocks"
    if further:
        time = minutes_and_seconds(expected_seconds(further) - ANALYSIS_S)
        return f"{so_far}; {plural(len(further), 'further trial')} of the others, about {time}"
    return so_far + _unknown(run)


def describe_end(run: RunInfo) -> str:
    """Return a sentence on how many points are known when all trials are done, and which are not."""
    return f"{_known(run, run.plan)} after {len(run.plan)} trials{_unknown(run)}"


def _known(run: RunInfo, trials: tuple[PlannedTrial, ...]) -> str:
    points = len({trial.point for trial in run.plan})
    known = sum(_count(trials, point.point) >= point.trials_needed for point in run.precision)
    return f"{known} of {points} points known to {100 * run.scenario['precision']:g} %"


def _unknown(run: RunInfo) -> str:
    """Return the points for which the budget had no time, as the end of a sentence; fewest missing trials first."""
    lacking = [
        (point.trials_needed - measured, point.point, f"(needs {point.trials_needed} trials, has {measured})")
        for point in run.precision
        if (measured := _count(run.plan, point.point)) < point.trials_needed
    ]
    if not lacking:
        return ""
    named = [f"{_name(run, point)} {what}" for _, point, what in sorted(lacking)[:_NAMED_POINTS]]
    more = f" and {len(lacking) - len(named)} more" if len(lacking) > len(named) else ""
    return f"; no time within budget_s = {run.scenario['budget_s']:g} for {', '.join(named)}{more}"


def _count(trials: tuple[PlannedTrial, ...], point: int) -> int:
    return sum(trial.point == point for trial in trials)


def _name(run: RunInfo, point: int) -> str:
    """Return a point's transport, and its parameters if they are not the scenario's base ones."""
    trial = next(trial for trial in run.plan if trial.point == point)
    label = TRANSPORTS[trial.transport].label
    return point_name(label, trial.parameters, differing(trial.parameters, run.base_parameters))
