"""The points of a summary that belong together: the base ones, and those that differ from them in one parameter."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from analysis.formatting import parameter_value, point_name
from analysis.summary.same_point import differing
from contract.parameters import Parameters
from contract.records import JsonObject
from contract.transports import TransportStyle


@dataclass(frozen=True)
class Series:
    """Points of one transport that differ in `parameter` alone, sorted by it; a single point needs no parameter."""

    transport: TransportStyle
    parameter: str
    points: list[JsonObject]

    def values(self, *path: str) -> list[Any]:
        """Return `point[path[0]][path[1]]…` of every point."""
        return [value_at(point, *path) for point in self.points]


@dataclass(frozen=True)
class Results:
    """A summary, in the form that charts and tables need."""

    summary: JsonObject
    transports: tuple[TransportStyle, ...]
    """The transports that have points, in the order of the run."""
    points: list[JsonObject]
    base: Parameters
    """The base value of every parameter, as in the scenario."""

    @classmethod
    def of(cls, summary: JsonObject, base: Parameters) -> Results:
        """Return the results of summary.json and the scenario's base parameters; points need deliveries."""
        points = [point for point in summary["points"] if point["deliveries"]]
        styles = tuple(TransportStyle.of_json(entry) for entry in summary["transports"])
        return cls(summary, styles, [], base)._with(points)

    def with_latency(self) -> Results:
        """Return the results without points of unknown latency, which charts cannot draw."""
        return self._with([point for point in self.points if point["latency_ms"]["mean"] is not None])

    def _with(self, points: list[JsonObject]) -> Results:
        present = {point["transport"] for point in points}
        return replace(self, points=points, transports=tuple(s for s in self.transports if s.name in present))

    @property
    def reference(self) -> TransportStyle | None:
        """The style of the transport that others are compared with, if it has points."""
        return next((style for style in self.transports if style.name == self.summary["reference"]), None)

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

    def sweep(self, parameter: str) -> list[Series]:
        """Return each transport's points that agree with the base in all but `parameter`, sorted by it."""
        series = []
        for style in self.transports:
            points = [p for p in self.points if p["transport"] == style.name and set(self._differs(p)) <= {parameter}]
            points.sort(key=lambda p: (p["parameters"].get(parameter) is not None, p["parameters"].get(parameter)))
            if points:
                series.append(Series(style, parameter, points))
        return series

    def swept(self, parameter: str) -> list[Series]:
        """Return the sweeps of the transports that have at least two points in it."""
        return [series for series in self.sweep(parameter) if len(series.points) > 1]

    def varied_numbers(self, *, shared: bool) -> list[str]:
        """Return swept numeric parameters that all transports take, or else those that only some take."""
        varied = []
        for name in self.summary["varied"]:
            having = [point for point in self.points if name in point["parameters"]]
            if having and self._numeric(name) and (len(having) == len(self.points)) == shared and self.swept(name):
                varied.append(name)
        return varied

    def varied_choices(self) -> list[str]:
        """Return swept parameters whose values are words or switches rather than numbers."""
        return [name for name in self.summary["varied"] if not self._numeric(name) and self.swept(name)]

    def own_sweeps(self) -> list[Series]:
        """Return each transport's sweep of a parameter of its own, or its base point if it has none."""
        swept = [series for name in self.varied_numbers(shared=False) for series in self.swept(name)]
        by_name = {series.transport.name: series for series in swept}
        return [by_name.get(series.transport.name, series) for series in self.base_points()]

    def name(self, point: JsonObject) -> str:
        """Return the label of a point's transport, and the parameters in which it differs from the base."""
        return point_name(self.label(point["transport"]), point["parameters"], self._differs(point))

    def label(self, transport: str) -> str:
        """The label of a transport of the run, whether it has points or not."""
        return next(str(entry["label"]) for entry in self.summary["transports"] if entry["name"] == transport)

    def conditions(self, *, without: str = "") -> str:
        """Return the base parameters that all transports share, in words."""
        shared = ("clients", "rate_per_s", "arrival", "payload_bytes", "one_way_delay_ms")
        words = ", ".join(parameter_value(n, self.base[n]) for n in shared if n in self.base and n != without)
        return words.replace("event", self.unit)

    def differences(self, point: JsonObject) -> str:
        """Return the parameters in which a point differs from the base, in words; empty for a base point."""
        return ", ".join(parameter_value(name, point["parameters"][name]) for name in self._differs(point))

    def _numeric(self, parameter: str) -> bool:
        values = [point["parameters"][parameter] for point in self.points if parameter in point["parameters"]]
        return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)

    def _differs(self, point: JsonObject) -> list[str]:
        return differing(point["parameters"], self.base)


PLAIN: dict[str, tuple[str, ...]] = {
    "mean_ms": ("latency_ms", "mean"),
    "requests_per_event": ("requests_per_event",),
    "requests_per_s": ("requests_per_s",),
}
"""The place in a point of the plain figure, without any correction by a model, of each of its `estimates`."""


def plain(point: JsonObject, name: str) -> tuple[float | None, list[float] | None]:
    """Return one of PLAIN, with its interval."""
    *parents, key = PLAIN[name]
    return value_at(point, *parents, key), value_at(point, *parents, f"{key}_ci95")


def reported(point: JsonObject, name: str) -> tuple[float | None, list[float] | None]:
    """Return one of PLAIN as tables, charts and verdict show it, with its interval; plain in older summaries."""
    found = point.get("estimates")
    return plain(point, name) if found is None else (found[name]["value"], found[name]["ci95"])


def latency_statistic(point: JsonObject, name: str) -> tuple[float | None, list[float] | None]:
    """Return `mean`, as it is reported, or a quantile of a point's latencies in ms, with its interval."""
    if name == "mean":
        return reported(point, "mean_ms")
    return point["latency_ms"][name], point["latency_ms"].get(f"{name}_ci95")


def value_at(point: JsonObject, *path: str) -> Any:
    """Return `point[path[0]][path[1]]…`; None as soon as a value on the way is null or absent."""
    value: Any = point
    for key in path:
        value = None if value is None else value.get(key)
    return value
