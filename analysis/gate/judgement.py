"""Whether a figure keeps its budget: its whole interval is within the limit, beyond it, or neither."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from analysis.compare.comparison import ReportedRun, machine_effect
from analysis.compare.contrast import contrast
from analysis.compare.matching import match_points
from analysis.formatting import count, figure, interval
from analysis.gate.budget import Budget, check_known
from analysis.statistics.inference import Interval
from contract.errors import UserError
from contract.points import agrees, parameter_value
from contract.summary import Point
from terminal.wording import plural

_MOST_TRIALS = 10_000
"""A larger number of trials is not advised: the figure is too close to its limit."""


class Judgement(StrEnum):
    """The outcome of the comparison of an interval with a limit."""

    KEPT = "kept"
    BROKEN = "broken"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class JudgedBudget:
    """One budget at one point."""

    budget: Budget
    label: str
    """The transport's label, its server if there are several, and the parameters that the budget names."""
    value: float
    """The value that is compared with the limit: the figure, or its ratio to the base minus 1."""
    ci95: Interval | None
    limit: float
    trials: int
    shown: str
    """The figure in words, with that of the base run."""
    valid: bool
    """Whether its point is valid; in a valid run that overloads the server on purpose, some points are not."""
    same_speed_ci95: Interval | None = None
    """The interval if the machine was as fast in both runs; None if it is compared with no other run."""

    @property
    def judgement(self) -> Judgement:
        """The judgement by the interval; undecided without one, as with a single trial."""
        return self._judged_by(self.ci95)

    @property
    def may_be_the_machine(self) -> bool:
        """Whether it is undecided because the machine's speed changed from the base run to this one."""
        decided_otherwise = self._judged_by(self.same_speed_ci95) is not Judgement.UNDECIDED
        return self.judgement is Judgement.UNDECIDED and decided_otherwise

    def _judged_by(self, bounds: Interval | None) -> Judgement:
        if bounds is None:
            return Judgement.UNDECIDED
        if bounds[1] <= self.limit:
            return Judgement.KEPT
        return Judgement.BROKEN if bounds[0] > self.limit else Judgement.UNDECIDED

    @property
    def further_trials(self) -> int | None:
        """The number of further trials that would decide it if the estimate is right; None if decided, or none would.

        Stein's two stages (Ann. Math. Stat. 16, 1945): the number follows from the spread of the trials so far.
        """
        if self.judgement is not Judgement.UNDECIDED or self.ci95 is None or self.may_be_the_machine:
            return None
        half, room = (self.ci95[1] - self.ci95[0]) / 2, abs(self.limit - self.value)
        if room * math.sqrt(_MOST_TRIALS) <= half * math.sqrt(self.trials):
            return None
        return max(1, math.ceil(self.trials * (half / room) ** 2) - self.trials)

    @property
    def sentence(self) -> str:
        """The judgement as a sentence."""
        figure_in_words = f"{self.label}: {self.budget.figure.label} {self.shown}"
        sentence = f"{figure_in_words}; {self.budget.limit_in_words}: {self.judgement}"
        if self.judgement is not Judgement.UNDECIDED:
            return sentence
        if self.ci95 is None:
            return f"{sentence} (it has no interval: more trials, or more events that wait, give it one)"
        if self.may_be_the_machine:
            return (
                f"{sentence} (the machine's speed may be the cause: measure both servers in the same blocks of one run)"
            )
        if self.further_trials is None:
            return f"{sentence} (it is at its limit: no number of trials decides)"
        return f"{sentence} (about {plural(self.further_trials, 'further trial')} would decide)"


def judge(budgets: Sequence[Budget], run: ReportedRun, base: ReportedRun | None) -> list[JudgedBudget]:
    """Judge every budget; raise UserError if one names something that the runs do not have."""
    return [judged for budget in budgets for judged in _judged(budget, run, base)]


def _judged(budget: Budget, run: ReportedRun, base: ReportedRun | None) -> Iterable[JudgedBudget]:
    names = list(dict.fromkeys(point.transport for point in run.summary.points))
    if budget.transport is not None:
        check_known(budget.name, "transport", [budget.transport], names)
    if budget.server is not None and not run.info.servers:
        raise UserError(f"{budget.name}: server: {run.folder} is a run of one server (expected no such key)")
    if budget.server is not None:
        check_known(budget.name, "server", [budget.server], run.info.servers)
    for part, its_base in _parts(budget, run, base):
        yield from _judged_alone(budget, part, its_base)


def _parts(
    budget: Budget, run: ReportedRun, base: ReportedRun | None
) -> Iterable[tuple[ReportedRun, ReportedRun | None]]:
    """Yield the run and its base, or the part of each server that the budget is for, with the base of that part."""
    first = next(iter(run.info.servers), None)
    if first is None:
        yield run, base
        return
    over_first = base is None and budget.over_base_at_most_ratio is not None
    having = {p.parameters.server for p in run.summary.points if budget.transport in (None, p.transport)}
    named = [budget.server] if budget.server is not None else [name for name in run.info.servers if name in having]
    if over_first and named in ([], [first]):
        raise UserError(
            f"{budget.name}: over_base_at_most is over {first}, the first server (expected a budget of another server, "
            "or BASE=results/…)"
        )
    for name in named:
        if base is not None and name not in base.info.servers:
            raise UserError(f"{budget.name}: {base.folder} has no server {name} (expected it in BASE too)")
        if over_first and name != first:
            yield run.on_server(name), run.on_server(first)
        elif not over_first:
            yield run.on_server(name), None if base is None else base.on_server(name)


def _judged_alone(budget: Budget, run: ReportedRun, base: ReportedRun | None) -> Iterable[JudgedBudget]:
    """Judge a budget by a run of one server."""
    labels = {style.name: style.label for style in run.info.transports}
    check_known(
        budget.name,
        "parameter",
        budget.at,
        dict.fromkeys(p for point in run.summary.points for p in point.parameters),
    )
    if budget.over_base_at_most_ratio is not None and base is None:
        raise UserError(f"{budget.name}: over_base_at_most needs a run to compare with (expected BASE=results/…)")
    found = [point for point in _points(budget, run) if budget.figure.value(point) is not None]
    if not found:
        who = "no transport has" if budget.transport is None else f"{budget.transport} has no"
        where = ", ".join(f"{name} = {value!r}" for name, value in budget.at.items()) or "the base parameters"
        raise UserError(
            f"{budget.name}: {who} {budget.figure.name} at {where} in {run.folder} (expected a point that was measured"
            f"{_values_in_words(budget, run)})"
        )
    for point in found:
        own = [] if run.server is None else [parameter_value("server", run.server)]
        label = ", ".join([labels[point.transport], *own, *(parameter_value(*each) for each in budget.at.items())])
        yield (
            _absolute(budget, run, point, label)
            if base is None or budget.at_most is not None
            else _relative(budget, run, base, point, label)
        )


def _points(budget: Budget, run: ReportedRun) -> Iterable[Point]:
    wanted = {**run.info.scenario["parameters"], **budget.at}
    for point in run.summary.points:
        is_of_transport = budget.transport in (None, point.transport)
        if is_of_transport and agrees(point.parameters, wanted) and budget.at.keys() <= point.parameters.keys():
            yield point


def _values_in_words(budget: Budget, run: ReportedRun) -> str:
    known_values = []
    for name in budget.at:
        points = [p for p in run.summary.points if budget.transport in (None, p.transport) and name in p.parameters]
        values = dict.fromkeys(str(point.parameters[name]) for point in points)
        known_values.append(f"{name} was {', '.join(values) or 'not a parameter of it'}")
    return f": {'; '.join(known_values)}" if known_values else ""


def _absolute(budget: Budget, run: ReportedRun, point: Point, label: str) -> JudgedBudget:
    value, limit = budget.figure.value(point), budget.at_most
    assert value is not None and limit is not None
    bounds = budget.figure.interval(point, run.pilot_blocks)
    shown = f"{figure(value)} {budget.figure.unit} {interval(bounds)}".replace("  ", " ").strip()
    return JudgedBudget(
        budget,
        label,
        value,
        bounds,
        limit,
        len(budget.figure.by_block(point)) or 1,
        shown,
        point.valid,
    )


def _relative(budget: Budget, run: ReportedRun, base: ReportedRun, point: Point, label: str) -> JudgedBudget:
    matches = match_points(base.summary, run.summary).points
    match = next((each.baseline for each in matches if each.other is point), None)
    sides = None if match is None else (base.side(match, budget.figure), run.side(point, budget.figure))
    limit = budget.over_base_at_most_ratio
    if match is None or sides is None or sides[0] is None or sides[1] is None or limit is None:
        raise UserError(
            f"{budget.name}: {base.folder} has no {budget.figure.name} of {label} (expected it in BASE too)"
        )
    machine = machine_effect(run.speed_since(base), budget.figure, (match, point), (sides[0], sides[1]))
    found = contrast(sides[0], sides[1], limit, paired=run.info.seed == base.info.seed, machine=machine)
    trials, valid = found.difference.pairs, point.valid and match.valid
    shown = f"{figure(found.value)} {budget.figure.unit} against {figure(found.baseline)}".replace("  ", " ")
    if found.ratio is None:
        allowed = limit * found.baseline
        bounds, same_speed = found.difference.ci95, found.same_speed_difference_ci95
        return JudgedBudget(budget, label, found.difference.value, bounds, allowed, trials, shown, valid, same_speed)
    over, same_speed = (
        None if bounds is None else (bounds[0] - 1, bounds[1] - 1)
        for bounds in (found.ratio_ci95, found.same_speed_ratio_ci95)
    )
    percents = "" if over is None else f" [{100 * over[0]:+.1f}, {100 * over[1]:+.1f}]"
    shown += f", {100 * (found.ratio - 1):+.1f} %{percents}".replace("-", "−")
    return JudgedBudget(budget, label, found.ratio - 1, over, limit, trials, shown, valid, same_speed)


def headline(judged: Sequence[JudgedBudget]) -> str:
    """Return a sentence with the number of budgets that are kept, broken and undecided."""
    number = {each: sum(found.judgement is each for found in judged) for each in Judgement}
    return (
        f"Of {plural(len(judged), 'budget')} {count(number[Judgement.KEPT])} are kept, "
        f"{count(number[Judgement.BROKEN])} broken and {count(number[Judgement.UNDECIDED])} undecided."
    )
