"""The effect of each option: points that differ from the base point only in one option, relative to it.

An option is a parameter whose values are words or switches; numeric parameters have charts of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from analysis.summary.results import Results
from contract.points import parameter_value
from contract.summary import Point
from contract.transports import TransportStyle


@dataclass(frozen=True)
class Measure:
    """A figure that an option may change."""

    name: str
    read: Callable[[Point], float | None]
    unit: str


MEASURES = (
    Measure("median", lambda point: point.latency_ms.p50, "ms"),
    Measure("server CPU", lambda point: point.server_cpu_us_per_event, "µs"),
    Measure("bytes", lambda point: point.bytes_per_event.total, "B"),
)


@dataclass(frozen=True)
class Effect:
    """A point with another value of one option, and the base point of the same transport."""

    transport: TransportStyle
    parameter: str
    point: Point
    base: Point

    @property
    def choice(self) -> str:
        """The option's value in words."""
        return parameter_value(self.parameter, self.point.parameters[self.parameter])

    def ratio(self, measure: Measure) -> float | None:
        """Return the point's figure over the base's; None if one was not measured or the base's is zero."""
        ours, base = measure.read(self.point), measure.read(self.base)
        return ours / base if ours is not None and base else None


def effects(results: Results) -> list[Effect]:
    """Return the effects sorted by option, and for each by transport."""
    found = []
    for parameter in results.varied_choices():
        for series in results.swept(parameter):
            base = next((p for p in series.points if p.parameters[parameter] == results.base[parameter]), None)
            if base is not None:
                others = [point for point in series.points if point is not base]
                found += [Effect(series.transport, parameter, point, base) for point in others]
    return sorted(found, key=lambda effect: _order(results, effect))


def _order(results: Results, effect: Effect) -> tuple[int, str]:
    """Return the sort key: options in the scenario's order; transports keep theirs, since sorting is stable."""
    return results.summary.varied.index(effect.parameter), effect.choice
