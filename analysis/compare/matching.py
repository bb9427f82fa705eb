"""Matches the points of two runs that are compared with each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from contract.parameters import DEFAULTS
from contract.points import LENGTHS, Identity, identity, point_name
from contract.summary import Point, Summary


@dataclass(frozen=True)
class MatchedPoint:
    """A point that both runs have."""

    label: str
    baseline: Point
    other: Point

    @property
    def transport(self) -> str:
        """Name of its transport."""
        return self.baseline.transport


@dataclass(frozen=True)
class Matching:
    """The points that two runs share, and the number of points that only one of them has."""

    points: tuple[MatchedPoint, ...]
    unmatched: int
    settings: tuple[tuple[str, object, object], ...]
    """Parameters that neither run varies but in which the runs differ, with both values: points are matched all the
    same, as the effect of such a parameter may be the purpose of the comparison."""


def match_points(baseline: Summary, other: Summary) -> Matching:
    """Match two summaries' points by transport and parameters, except those in which the runs differ as a whole.

    A parameter with its default counts as absent, so that runs from before the parameter existed can be matched.
    """
    summaries = (baseline, other)
    # The length of trials does not matter to what they measured, unless a run has varied it.
    ignored = LENGTHS if all(_are_distinct(summary.points) for summary in summaries) else frozenset()
    settings = [
        (name, *values)
        for name in sorted(_names(baseline) | _names(other))
        if name not in LENGTHS and (values := _fixed_values(name, *summaries)) is not None
    ]
    ignored |= {name for name, *_ in settings}
    theirs = {_identity(point, ignored): point for point in other.points}
    labels = {style.name: style.label for style in baseline.transports}
    varied = [name for name in dict.fromkeys(baseline.varied + other.varied) if name not in ignored]
    found = tuple(
        MatchedPoint(point_name(labels.get(point.transport, point.transport), point.parameters, varied), point, match)
        for point in baseline.points
        if (match := theirs.get(_identity(point, ignored))) is not None
    )
    return Matching(found, len(baseline.points) + len(theirs) - 2 * len(found), tuple(settings))


def _names(summary: Summary) -> set[str]:
    return {name for point in summary.points for name in point.parameters}


def _fixed_values(name: str, *summaries: Summary) -> tuple[object, object] | None:
    """Return a parameter's value in each run, if each has only one and they differ; otherwise None."""
    values = []
    for summary in summaries:
        seen = [point.parameters.get(name, DEFAULTS.get(name)) for point in summary.points]
        known = [value for value in seen if value is not None]
        if not known or any(value != known[0] for value in known):
            return None
        values.append(known[0])
    return (values[0], values[1]) if values[0] != values[1] else None


def _are_distinct(points: Sequence[Point]) -> bool:
    """Return whether no two of a run's points differ only in the length of their trials."""
    return len({_identity(point, LENGTHS) for point in points}) == len(points)


def _identity(point: Point, ignored: frozenset[str]) -> Identity:
    named = {name: value for name, value in point.parameters.items() if DEFAULTS.get(name) != value}
    return identity(point.transport, named, ignored)
