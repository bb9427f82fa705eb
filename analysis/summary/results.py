"""A summary in the form that charts and tables need: base points, and sweeps of one parameter."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar

from contract.parameters import Parameters
from contract.points import OF_THE_SERVER, agrees_but_for_server, differing, parameter_value, point_name
from contract.summary import CorrectedEstimate, Estimates, Interval, Latency, Point, Summary
from contract.transports import TransportStyle

_Value = TypeVar("_Value")


class MeasuredPoint(Protocol):
    """A point of a summary, or another object with the same figures.

    Figures that are not named here are read by their path in the point.
    """

    @property
    def transport(self) -> str: ...
    @property
    def parameters(self) -> Mapping[str, Any]: ...
    @property
    def latency_ms(self) -> Latency: ...
    @property
    def requests_per_event(self) -> float | None: ...
    @property
    def requests_per_event_ci95(self) -> Interval | None: ...
    @property
    def requests_per_s(self) -> float | None: ...
    @property
    def requests_per_s_ci95(self) -> Interval | None: ...
    @property
    def estimates(self) -> Estimates | None: ...


@dataclass(frozen=True)
class Series:
    """Points of one transport that differ only in `parameter`, sorted by it; of a single point it may be empty."""

    transport: TransportStyle
    parameter: str
    points: list[Point]

    def values(self, read: Callable[[Point], _Value]) -> list[_Value]:
        """Return `read(point)` for every point."""
        return [read(point) for point in self.points]

    def known(self, read: Callable[[Point], _Value | None]) -> list[_Value]:
        """Return `read(point)` for every point where it is not None."""
        return [value for value in self.values(read) if value is not None]


@dataclass(frozen=True)
class Results:
    """A summary, in the form that charts and tables need."""

    summary: Summary
    transports: tuple[TransportStyle, ...]
    """The transports that have points, in the order of the run."""
    points: list[Point]
    base: Parameters
    """The base value of every parameter, as in the scenario."""

    @classmethod
    def of(cls, summary: Summary, base: Parameters) -> Results:
        """Return the results of a summary and the scenario's base parameters; points need deliveries."""
        return cls(summary, summary.transports, [], base)._with([point for point in summary.points if point.deliveries])

    def with_latency(self) -> Results:
        """Return the results without points of unknown latency, which charts cannot draw."""
        return self._with([point for point in self.points if point.latency_ms.mean is not None])

    def _with(self, points: list[Point]) -> Results:
        named = {point.transport for point in points}
        return replace(self, points=points, transports=tuple(s for s in self.transports if s.name in named))

    @property
    def reference(self) -> TransportStyle | None:
        """The style of the transport that others are compared with, if it has points."""
        return next((style for style in self.transports if style.name == self.summary.reference), None)

    @property
    def round_trip(self) -> bool:
        """Whether the run measures round trips rather than staleness."""
        return bool(self.transports) and all(style.kind.clients_send for style in self.transports)

    @property
    def latency_name(self) -> str:
        """The name of latency in this run."""
        return "round trip" if self.round_trip else "latency"

    @property
    def unit(self) -> str:
        """The name of what is delivered: an event, or the echo of a message."""
        return "message" if self.round_trip else "event"

    def base_points(self) -> list[Series]:
        """Return each transport's point at the base parameters, as a series of one."""
        return self.sweep("")

    @property
    def servers(self) -> list[str]:
        """The scenario's servers that have points, the first one first; empty if it names none."""
        names = (self.base.server, *(point.parameters.server for point in self.points))
        return list(dict.fromkeys(name for name in names if name is not None))

    def base_points_by_server(self) -> list[tuple[TransportStyle, Point]]:
        """Return each transport's points at the base parameters, on every server if the scenario names several."""
        return [
            (style, point)
            for style in self.transports
            for point in self.points
            if point.transport == style.name and agrees_but_for_server(point.parameters, self.base)
        ]

    def sweep(self, parameter: str) -> list[Series]:
        """Return each transport's points that agree with the base in all but `parameter`, sorted by it."""
        series = []
        for style in self.transports:
            points = [p for p in self.points if p.transport == style.name and set(self._differs(p)) <= {parameter}]
            points.sort(key=lambda p: (p.parameters.get(parameter) is not None, p.parameters.get(parameter)))
            if points:
                series.append(Series(style, parameter, points))
        return series

    def swept(self, parameter: str) -> list[Series]:
        """Return the sweeps of the transports that have at least two points in it."""
        return [series for series in self.sweep(parameter) if len(series.points) > 1]

    def varied_numbers(self, *, shared: bool) -> list[str]:
        """Return swept numeric parameters that all transports have, or those that only some have if not `shared`."""
        varied = []
        for name in self.summary.varied:
            having = [point for point in self.points if name in point.parameters]
            if having and self._numeric(name) and (len(having) == len(self.points)) == shared and self.swept(name):
                varied.append(name)
        return varied

    def varied_choices(self) -> list[str]:
        """Return swept parameters whose values are words or switches rather than numbers, servers aside."""
        choices = [name for name in self.summary.varied if name not in OF_THE_SERVER and not self._numeric(name)]
        return [name for name in choices if self.swept(name)]

    def own_sweeps(self) -> list[Series]:
        """Return each transport's sweep of a parameter of its own, or its base point if it has none."""
        swept = [series for name in self.varied_numbers(shared=False) for series in self.swept(name)]
        by_name = {series.transport.name: series for series in swept}
        return [by_name.get(series.transport.name, series) for series in self.base_points()]

    def name(self, point: Point) -> str:
        """Return the label of a point's transport, and the parameters in which it differs from the base."""
        return point_name(self.label(point.transport), point.parameters, self._differs(point))

    def label(self, transport: str) -> str:
        """The label of a transport of the run, whether it has points or not."""
        return next(style.label for style in self.summary.transports if style.name == transport)

    def conditions(self, *, without: str = "") -> str:
        """Return the base parameters that all transports share, in words."""
        shared = ("clients", "rate_per_s", "arrival", "payload_bytes", "one_way_delay_ms", "server")
        words = ", ".join(parameter_value(n, self.base[n]) for n in shared if n in self.base and n != without)
        return words.replace("event", self.unit)

    def differences(self, point: Point) -> str:
        """Return the parameters in which a point differs from the base, in words; empty for a base point."""
        return ", ".join(parameter_value(name, point.parameters[name]) for name in self._differs(point))

    def _numeric(self, parameter: str) -> bool:
        values = [point.parameters[parameter] for point in self.points if parameter in point.parameters]
        return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)

    def _differs(self, point: Point) -> list[str]:
        return differing(point.parameters, self.base)


@dataclass(frozen=True)
class Quantity:
    """Reads a figure of a point, and its 95 % interval."""

    value: Callable[[Point], float | None]
    ci95: Callable[[Point], Interval | None]


def reported_quantity(name: str) -> Quantity:
    """Return one of PLAIN as tables, charts and verdict show it."""
    return Quantity(lambda point: reported(point, name)[0], lambda point: reported(point, name)[1])


def latency_quantity(statistic: str) -> Quantity:
    """Return a statistic of a point's latencies, as tables show it."""
    return Quantity(lambda p: latency_statistic(p, statistic)[0], lambda p: latency_statistic(p, statistic)[1])


PLAIN: dict[str, Callable[[MeasuredPoint], tuple[float | None, Interval | None]]] = {
    "mean_ms": lambda point: (point.latency_ms.mean, point.latency_ms.mean_ci95),
    "requests_per_event": lambda point: (point.requests_per_event, point.requests_per_event_ci95),
    "requests_per_s": lambda point: (point.requests_per_s, point.requests_per_s_ci95),
}
"""The plain figure, without any correction by a model, of each of a point's `estimates`, with its interval."""


def reported(point: MeasuredPoint, name: str) -> tuple[float | None, Interval | None]:
    """Return one of PLAIN as tables, charts and verdict show it, with its interval; plain in older summaries."""
    if point.estimates is None:
        return PLAIN[name](point)
    found: CorrectedEstimate = getattr(point.estimates, name)
    return found.value, found.ci95


def latency_statistic(point: Point, name: str) -> tuple[float | None, Interval | None]:
    """Return `mean`, as it is reported, or a quantile of a point's latencies in ms, with its interval."""
    if name == "mean":
        return reported(point, "mean_ms")
    return getattr(point.latency_ms, name), getattr(point.latency_ms, f"{name}_ci95", None)


def points_of(groups: Iterable[Series]) -> list[Point]:
    """Return the points of all these series."""
    return [point for series in groups for point in series.points]


def common_statistic(points: Sequence[Point], *names: str) -> str:
    """Return the first of these statistics for which every point has enough events, so that all are comparable.

    The mean if there is none: it needs no number of events.
    """
    shared = (name for name in names if None not in map(latency_quantity(name).value, points))
    return next(shared, "mean")


def present(value: _Value | None) -> _Value:
    """Return a figure that the caller knows to be measured, and so not None."""
    assert value is not None, "a figure was not measured"
    return value
