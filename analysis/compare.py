"""Two runs beside each other: what differs in how they were made, and whether their figures agree."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from analysis.formatting import NOT_MEASURED, figure, interval, parameter_value
from analysis.summary.results import latency_statistic, reported
from analysis.summary.same_point import LENGTHS
from contract.errors import UserError
from contract.parameters import DEFAULTS
from contract.records import JsonObject, load_run_info, load_summary
from terminal.console import PlainConsole
from terminal.wording import plural

TOLERANCE = 0.03
"""Two figures are the same where the whole interval of their difference is within that of the larger one."""
SAME = f"the same within {100 * TOLERANCE:.0f} %"
_FIGURES: dict[str, Callable[[JsonObject], tuple[float | None, Sequence[float] | None]]] = {
    "p50 ms": lambda point: latency_statistic(point, "p50"),
    "p95 ms": lambda point: latency_statistic(point, "p95"),
    "mean ms": lambda point: latency_statistic(point, "mean"),
    "requests/event": lambda point: reported(point, "requests_per_event"),
}
"""As reported, each with its interval."""


@dataclass(frozen=True)
class Agreement:
    """One figure of one point in both runs."""

    name: str
    ours: float | None
    theirs: float | None
    our_interval: Sequence[float] | None
    their_interval: Sequence[float] | None

    @property
    def relative_difference(self) -> float | None:
        """(theirs − ours) / ours; None where one is not measured or ours is zero."""
        if self.ours is None or self.theirs is None or self.ours == 0:
            return None
        return (self.theirs - self.ours) / self.ours

    @property
    def half_width(self) -> float | None:
        """Of the difference's interval: both runs' are independent. None where one has none, as with one trial.

        Upwards, as a latency's interval is cut off below what the network alone takes.
        """
        if self.ours is None or self.theirs is None or self.our_interval is None or self.their_interval is None:
            return None
        return math.hypot(self.our_interval[1] - self.ours, self.their_interval[1] - self.theirs)

    @property
    def outcome(self) -> str | None:
        """SAME (by equivalence), `no difference shown` with its interval, or an empty string where the runs differ.

        None where it cannot be told, as a figure or an interval is missing.
        """
        if self.ours is None or self.theirs is None or self.half_width is None:
            return None
        apart, size = abs(self.theirs - self.ours), max(abs(self.ours), abs(self.theirs))
        if apart + self.half_width <= TOLERANCE * size:
            return SAME
        return f"no difference shown (±{figure(self.half_width)})" if apart <= self.half_width else ""


@dataclass(frozen=True)
class PointComparison:
    """A point that both runs have."""

    label: str
    agreements: tuple[Agreement, ...]


@dataclass(frozen=True)
class Comparison:
    """Everything there is to say about two runs."""

    warnings: tuple[str, ...]
    """What makes them unlike: read these before the figures."""
    points: tuple[PointComparison, ...]
    shared_seed: int | None
    """The seed of both, if it is the same: they had the same streams then, and are no independent runs."""

    @property
    def disagreements(self) -> int:
        """Figures that differ beyond the interval of their difference, and are not the same."""
        return sum(agreement.outcome == "" for point in self.points for agreement in point.agreements)


def compare_runs(folder_a: Path, folder_b: Path) -> Comparison:
    """Read both run folders; UserError where one is no run, has no summary, or they share no point."""
    runs = [load_run_info(folder) for folder in (folder_a, folder_b)]
    summaries = [load_summary(folder) for folder in (folder_a, folder_b)]
    warnings = [
        *(f"{name} is INVALID: {s['verdict']}" for name, s in zip("AB", summaries, strict=True) if not s["valid"]),
        *differences("machine", runs[0].machine, runs[1].machine),
        *differences("versions", runs[0].versions, runs[1].versions),
        *differences("settings", runs[0].settings, runs[1].settings),
        *differences("scenario", runs[0].scenario, runs[1].scenario),
        *differences("run", {"target": runs[0].target}, {"target": runs[1].target}),
        *code_differences(runs[0].checkout, runs[1].checkout),
    ]
    points, unmatched = compare_points(*summaries)
    if not points:
        raise UserError(
            f"{folder_a} and {folder_b}: no point in common (expected runs that share transport and parameters)"
        )
    if unmatched:
        warnings.append(f"points: {plural(unmatched, 'point')} in one run only, not compared")
    shared_seed = runs[0].seed if runs[0].seed == runs[1].seed else None
    return Comparison(tuple(warnings), tuple(points), shared_seed)


def differences(what: str, ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[str]:
    """One sentence per key that differs, nested keys by their path."""
    found = []
    for key in sorted(ours.keys() | theirs.keys()):
        mine, other = ours.get(key), theirs.get(key)
        if isinstance(mine, Mapping) and isinstance(other, Mapping):
            found += differences(f"{what}.{key}", mine, other)
        elif mine != other:
            found.append(f"{what}.{key}: A has {_shown(mine)}, B has {_shown(other)}")
    return found


def code_differences(ours: JsonObject | None, theirs: JsonObject | None) -> list[str]:
    """At most one sentence: two runs may have measured with different code."""
    if ours != theirs:
        return [f"code: A was measured with {_code(ours)}, B with {_code(theirs)}"]
    if ours is not None and not ours["clean"]:
        return [f"code: both were measured with {_code(ours)}, and these may be others in each"]
    return []


def _code(checkout: JsonObject | None) -> str:
    if checkout is None:
        return "an unknown commit"
    changes = "" if checkout["clean"] else " and changes that are not in it"
    return f"commit {checkout['commit'][:12]}{changes}"


def compare_points(summary_a: JsonObject, summary_b: JsonObject) -> tuple[list[PointComparison], int]:
    """Points with the same transport and parameters, and how many have no counterpart."""
    # How long trials took does not matter to what they measured, unless it is what a run has varied.
    ignored = LENGTHS if all(_told_apart(summary["points"]) for summary in (summary_a, summary_b)) else frozenset()
    theirs = {_identity(point, ignored): point for point in summary_b["points"]}
    labels = {style["name"]: style["label"] for style in summary_a["transports"]}
    varied = [name for name in summary_a["varied"] if name not in ignored]
    compared = []
    for point in summary_a["points"]:
        other = theirs.get(_identity(point, ignored))
        if other is not None:
            compared.append(PointComparison(_label(point, labels, varied), _agreements(point, other)))
    return compared, len(summary_a["points"]) + len(theirs) - 2 * len(compared)


def print_comparison(comparison: Comparison, console: PlainConsole) -> None:
    """Warnings first, then a row per figure, then how many are the same."""
    for warning in comparison.warnings:
        console.print_sentence(f"unlike: {warning}", style="yellow")
    table = Table("point", "figure", "A", "B", "difference", "outcome")
    for point in comparison.points:
        for i, agreement in enumerate(point.agreements):
            table.add_row(point.label if i == 0 else "", *_row(agreement), end_section=i == len(point.agreements) - 1)
    console.print(table)
    outcomes = [agreement.outcome for point in comparison.points for agreement in point.agreements]
    told = [outcome for outcome in outcomes if outcome is not None]
    same = told.count(SAME)
    console.print_sentence(
        f"Of {plural(len(told), 'figure')} {same} are {SAME}, {comparison.disagreements} differ, and for "
        f"{len(told) - same - comparison.disagreements} no difference was shown, which is no proof that there is none."
    )
    if comparison.shared_seed is not None:
        console.print_sentence(
            f"Both have the streams of seed {comparison.shared_seed}: what these have of luck is in both, so that "
            "intervals of differences are wider than they need be."
        )


def _row(agreement: Agreement) -> tuple[str, ...]:
    relative = agreement.relative_difference
    verdict = {None: "cannot be told", "": "DIFFERENT"}.get(agreement.outcome, agreement.outcome)
    return (
        agreement.name,
        f"{figure(agreement.ours)} {interval(agreement.our_interval)}".rstrip(),
        f"{figure(agreement.theirs)} {interval(agreement.their_interval)}".rstrip(),
        NOT_MEASURED if relative is None else f"{100 * relative:+.1f} %",
        verdict or "",
    )


def _agreements(ours: JsonObject, theirs: JsonObject) -> tuple[Agreement, ...]:
    found = [(name, read(ours), read(theirs)) for name, read in _FIGURES.items()]
    return tuple(Agreement(name, a, b, a_ci95, b_ci95) for name, (a, a_ci95), (b, b_ci95) in found)


def _told_apart(points: Sequence[JsonObject]) -> bool:
    """Whether no two of a run's points differ only in how long their trials took."""
    return len({_identity(point, LENGTHS) for point in points}) == len(points)


def _identity(point: JsonObject, ignored: frozenset[str]) -> tuple[str, frozenset[tuple[str, object]]]:
    # A default counts as not named, so that runs from before a parameter existed find their counterparts.
    parameters = {
        name: value
        for name, value in point["parameters"].items()
        if name not in ignored and DEFAULTS.get(name) != value
    }
    return point["transport"], frozenset(parameters.items())


def _label(point: JsonObject, labels: Mapping[str, str], varied: Sequence[str]) -> str:
    shown = [parameter_value(name, point["parameters"][name]) for name in varied if name in point["parameters"]]
    return ", ".join([labels.get(point["transport"], point["transport"]), *shown])


def _within(value: float, bounds: Sequence[float] | None) -> bool:
    return bounds is not None and bounds[0] <= value <= bounds[1]


def _shown(value: object) -> str:
    return "nothing" if value is None else str(value)
