"""The run in one sentence, from its summary: who is more real-time, by how much, and what each costs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from analysis.capacity_verdict import capacity_verdict
from analysis.points import LENGTHS, agrees
from analysis.quantities import figure, interval, listed, parameter_value
from loadtests.records import JsonObject

RESOLUTION_MS = 0.2
"""Loopback alone takes up to 0.1 ms across cores: nothing is claimed below it."""
TIE_MS = 1.0
TIE_RATIO = 0.05
"""A difference below both is within what server and client code themselves may cost, and no transport's merit."""
CHEAPER_RATIO = 0.05
"""Costs have no interval: a smaller saving is not mentioned."""

_CONDITIONS = ("clients", "rate_per_s", "arrival", "one_way_delay_ms")
_COSTS = (
    ("server CPU per event", ("server_cpu_us_per_event",), "µs"),
    ("bytes per event", ("bytes_per_event", "total"), "B"),
)


def verdict(summary: JsonObject) -> str:
    """One sentence; where the run is invalid it starts with INVALID and says why instead of comparing anything.

    Where it is wrong on purpose it says that and what to do instead, whether its trials are valid or not; where it
    overloads the server on purpose it says what a server core holds.
    """
    if summary.get("wrong_way"):
        return f"WRONG WAY on purpose: {summary['wrong_way']}"
    if not summary["valid"]:
        first, *others = summary["invalid_reasons"]
        return f"INVALID: {first}" + (f" (and {_more(len(others))})" if others else "") + "."
    if summary.get("overload") and (held := capacity_verdict(summary)):
        return held
    reference = None if summary["base_point"] is None else summary["points"][summary["base_point"]]
    if reference is None or reference["latency_ms"]["p50"] is None:
        return f"No verdict: {_label(summary, summary['reference'])} {_without_latency(reference)}."
    if summary.get("noise_floor") and not summary.get("noise_floor_from"):
        return f"With {_conditions(reference)}, each transport against itself: {_against_itself(summary)}."
    others = [p for p in summary["points"] if p["base"] and p is not reference and p["latency_ms"]["p50"] is not None]
    clauses = [
        f"{_opening(summary, reference, others)}, for {_cost(reference)}",
        *(_clause(summary, point) for point in others),
        *_cheaper(summary, others),
    ]
    return "; ".join(clauses) + "."


def _without_latency(reference: JsonObject | None) -> str:
    withheld = reference and reference.get("latency_withheld")
    if withheld:
        return f"has no latency that is known, as {withheld['reason']}"
    return "has no finished trial at the base parameters"


@dataclass(frozen=True)
class _Difference:
    """How far one latency statistic of a point is from the reference's."""

    value_ms: float
    ci95_ms: Sequence[float] | None
    reference_ms: float
    noise_ms: float = 0.0
    """How far the two transports differ from themselves, where that was measured."""

    @property
    def undetectable(self) -> bool:
        """Within the interval, or below what this harness can tell, or no more than noise."""
        includes_zero = self.ci95_ms is not None and self.ci95_ms[0] <= 0 <= self.ci95_ms[1]
        return includes_zero or abs(self.value_ms) < max(RESOLUTION_MS, self.noise_ms)

    @property
    def negligible(self) -> bool:
        """Too small to be the transport's, as far as the estimate goes: below the margin, or small and undetectable."""
        return abs(self.value_ms) < (TIE_MS if self.undetectable else self._margin_ms)

    @property
    def tied(self) -> bool:
        """Surely too small: the whole interval lies within the margin.

        (Equivalence rather than the absence of a difference: Schuirmann 1987. A wide interval around a large
        difference has shown nothing.)
        """
        return all(abs(bound) < self._margin_ms for bound in (self.value_ms, *(self.ci95_ms or ())))

    @property
    def _margin_ms(self) -> float:
        return max(RESOLUTION_MS, min(TIE_MS, TIE_RATIO * self.reference_ms))

    @property
    def amount(self) -> str:
        """Its size with the interval of its size."""
        if self.ci95_ms is None:
            return f"{figure(abs(self.value_ms))} ms (one trial, no interval)"
        sign = -1 if self.value_ms < 0 else 1
        return f"{figure(abs(self.value_ms))} ms {interval(sorted(sign * bound for bound in self.ci95_ms))}"

    @property
    def signed(self) -> str:
        """With its sign and interval."""
        sign = "+" if self.value_ms > 0 else "−" if self.value_ms < 0 else ""
        bounds = interval(self.ci95_ms) if self.ci95_ms else "from one trial"
        return f"{sign}{figure(abs(self.value_ms))} ms {bounds}"


def _conditions(point: JsonObject) -> str:
    return listed([parameter_value(name, point["parameters"][name]) for name in _CONDITIONS])


def _against_itself(summary: JsonObject) -> str:
    """What a run of identical points shows: by how much two measurements of the same thing differ."""
    return "; ".join(
        f"{_label(summary, transport)} " + listed([_noise(found[f"{name}_ms"], name) for name in ("p50", "p95")])
        for transport, found in summary["noise_floor"].items()
        if found["p50_ms"] and found["p95_ms"]
    )


def _noise(found: JsonObject, name: str) -> str:
    width = found["half_width"]
    bounds = None if width is None else (found["value"] - width, found["value"] + width)
    difference = _Difference(found["value"], bounds, 0.0)
    return f"{difference.signed} at {name} (at most {figure(found['largest'])} in a block)"


def _opening(summary: JsonObject, reference: JsonObject, others: Sequence[JsonObject]) -> str:
    conditions = _conditions(reference)
    label = _label(summary, reference["transport"])
    tie = "a tie: " if others and all(_ties(point) for point in others) else ""
    figures = f"p50 {_p50(reference)}, p95 {figure(reference['latency_ms']['p95'])} ms"
    if _is_round_trip(summary, reference["transport"]):
        return f"With {conditions}, {tie}a message is there and back over {label} in {figures}"
    return f"With {conditions}, {tie}{label} delivers in {figures}"


def _clause(summary: JsonObject, point: JsonObject) -> str:
    return f"{_name(summary, point)}: {_how_different(point)}, for {_cost(point)}"


def _how_different(point: JsonObject) -> str:
    """A median within the interval says nothing of the tail: p50 and p95 are told apart where they differ in that."""
    p50, p95, mean = (_difference(point, name) for name in ("p50", "p95", "mean"))
    if p50 is None or p95 is None or mean is None:
        uncertainty_ms = (point["against_reference"] or {}).get("clock_uncertainty_ms")
        return f"not known to ±{figure(uncertainty_ms)} ms" if uncertainty_ms else "not measured in the same blocks"
    if _ties(point):
        words = "no detectable difference" if p50.undetectable else "a tie for practical purposes"
        return f"{words} ({p50.signed} at p50)"
    parts = [_told(p50, "p50"), _told(p95, "p95")]
    if p50.undetectable and p95.undetectable:
        parts.append(_told(mean, "the mean"))
    return listed(parts)


def _told(difference: _Difference, where: str) -> str:
    if difference.undetectable:
        return f"no detectable difference at {where} ({difference.signed})"
    return f"{'slower' if difference.value_ms > 0 else 'faster'} by {difference.amount} at {where}"


def _ties(point: JsonObject) -> bool:
    """Median, tail and mean are all as good as the reference's, and the median is so for certain or undetectably."""
    p50, p95, mean = (_difference(point, name) for name in ("p50", "p95", "mean"))
    if p50 is None or p95 is None or mean is None:
        return False
    alike = all(difference.negligible for difference in (p50, p95, mean))
    return alike and (p50.tied or p50.undetectable)


def _cost(point: JsonObject) -> str:
    cpu_us = point["server_cpu_us_per_event"]
    server = "" if cpu_us is None else f" and {figure(cpu_us)} µs of server CPU"
    return f"{figure(point['requests_per_event'])} requests{server} per event"


def _cheaper(summary: JsonObject, others: Sequence[JsonObject]) -> Iterator[str]:
    """Where polling costs less than the reference at equal parameters: each cost's best point, sweeps included."""
    roles = {style["name"]: style["role"] for style in summary["transports"]}
    if not any(roles[point["transport"]] == "polling" for point in others):
        return
    found = []
    for cost, path, unit in _COSTS:
        savings = [
            (ours / theirs, point, ours, theirs)
            for point in summary["points"]
            if roles[point["transport"]] == "polling"
            for ours, theirs in [(_at(point, path), _at(_counterpart(summary, point), path))]
            if ours is not None and theirs
        ]
        ratio, point, ours, theirs = min(savings, key=lambda saving: saving[0], default=(1.0, {}, 0.0, 0.0))
        if ratio < 1 - CHEAPER_RATIO:
            found.append(
                f"{cost} ({_name(summary, point)}{_elsewhere(summary, point)}: {figure(ours)} against "
                f"{figure(theirs)} {unit})"
            )
    label = _label(summary, summary["reference"])
    what = "HTTP" if _is_round_trip(summary, summary["reference"]) else "polling"
    yield (
        f"{what} is cheaper than {label} in {listed(found)}"
        if found
        else f"{what} is nowhere cheaper than {label} here"
    )


def _counterpart(summary: JsonObject, point: JsonObject) -> JsonObject | None:
    """The reference's point at the same parameters."""
    for other in summary["points"]:
        if other["transport"] == summary["reference"] and agrees(other["parameters"], point["parameters"]):
            return dict(other)
    return None


def _elsewhere(summary: JsonObject, point: JsonObject) -> str:
    """The parameters in which a point differs from the base, as far as its name does not say them."""
    base = summary["points"][summary["base_point"]]["parameters"]
    varied = [
        parameter_value(name, point["parameters"][name])
        for name in base
        if name not in LENGTHS and point["parameters"][name] != base[name]
    ]
    return f" at {listed(varied)}" if varied else ""


def _difference(point: JsonObject, name: str) -> _Difference | None:
    against = point["against_reference"]
    found = against and against[f"{name}_difference_ms"]
    if not found:
        return None
    reference_ms = point["latency_ms"][name] - found["value"]
    return _Difference(found["value"], found["ci95"], reference_ms, found.get("noise_floor_ms") or 0.0)


def _p50(point: JsonObject) -> str:
    latency = point["latency_ms"]
    bounds = f" {interval(latency['p50_ci95'])}" if latency["p50_ci95"] else ""
    return f"{figure(latency['p50'])} ms{bounds}"


def _name(summary: JsonObject, point: JsonObject) -> str:
    """Label, and the poll interval where it has one: the one parameter that is a transport's very nature."""
    every = point["parameters"].get("poll_interval_s")
    label = _label(summary, point["transport"])
    return label if every is None else f"{label} {parameter_value('poll_interval_s', every)}"


def _label(summary: JsonObject, transport: str) -> str:
    return next((str(s["label"]) for s in summary["transports"] if s["name"] == transport), transport)


def _is_round_trip(summary: JsonObject, transport: str) -> bool:
    return any(s["name"] == transport and s["model"].startswith("round_trip") for s in summary["transports"])


def _at(point: JsonObject | None, path: Sequence[str]) -> float | None:
    value: Any = point
    for key in path:
        value = None if value is None else value[key]
    return None if value is None else float(value)


def _more(number: int) -> str:
    return f"{number} more reason{'' if number == 1 else 's'}"
