"""The run in one sentence, from its summary: who is more real-time, by how much, and what each costs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from analysis.capacity_verdict import capacity_verdict
from analysis.cheaper import cheaper
from analysis.differences import how_different, is_tie, signed_ms
from analysis.points import LENGTHS
from analysis.quantities import figure, interval, listed, parameter_value, plural
from loadtests.records import JsonObject

_CONDITIONS = ("clients", "rate_per_s", "arrival", "one_way_delay_ms")


def verdict(summary: JsonObject) -> str:
    """One sentence; where the run is invalid it starts with INVALID and says why instead of comparing anything.

    Where it is wrong on purpose it says that and what to do instead, whether its trials are valid or not; where it
    overloads the server on purpose it says what a server core holds.
    """
    if summary.get("wrong_way"):
        return f"WRONG WAY on purpose: {summary['wrong_way']}"
    if not summary["valid"]:
        first, *others = summary["invalid_reasons"]
        return f"INVALID: {first}" + (f" (and {plural(len(others), 'more reason')})" if others else "") + "."
    if summary.get("overload") and (held := capacity_verdict(summary)):
        return held
    reference = None if summary["base_point"] is None else summary["points"][summary["base_point"]]
    if reference is None or reference["latency_ms"]["mean"] is None:
        return f"No verdict: {_label(summary, summary['reference'])} {_without_latency(reference)}."
    if summary.get("noise_floor") and not summary.get("noise_floor_from"):
        return f"With {_conditions(reference)}, each transport against itself: {_against_itself(summary)}."
    others = [p for p in summary["points"] if p["base"] and p is not reference and p["latency_ms"]["mean"] is not None]
    clauses = [
        f"{_opening(summary, reference, others)}, for {_cost(reference)}",
        *(_clause(summary, point) for point in others),
        *_cheaper(summary),
    ]
    return "; ".join(clauses) + "."


def _without_latency(reference: JsonObject | None) -> str:
    withheld = reference and reference.get("latency_withheld")
    if withheld:
        return f"has no latency that is known, as {withheld['reason']}"
    return "has no finished trial at the base parameters"


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
    width = "from one pair" if found["half_width"] is None else f"± {figure(found['half_width'])} ms"
    return f"{signed_ms(found['value'])} {width} at {name} (at most {figure(found['largest'])} in a block)"


def _opening(summary: JsonObject, reference: JsonObject, others: Sequence[JsonObject]) -> str:
    conditions = _conditions(reference)
    label = _label(summary, reference["transport"])
    tie = "a tie: " if others and all(is_tie(point) for point in others) else ""
    figures = _latencies(reference)
    if _is_round_trip(summary, reference["transport"]):
        return f"With {conditions}, {tie}a message is there and back over {label} in {figures}"
    return f"With {conditions}, {tie}{label} delivers in {figures}"


def _clause(summary: JsonObject, point: JsonObject) -> str:
    return f"{_name(summary, point)}: {how_different(point)}, for {_cost(point)}"


def _cost(point: JsonObject) -> str:
    cpu_us = point["server_cpu_us_per_event"]
    server = "" if cpu_us is None else f" and {figure(cpu_us)} µs of server CPU"
    return f"{figure(point['requests_per_event'])} requests{server} per event"


def _cheaper(summary: JsonObject) -> Iterator[str]:
    polling = {style["name"] for style in summary["transports"] if style["role"] == "polling"}
    what = "HTTP" if _is_round_trip(summary, summary["reference"]) else "polling"

    def name(point: JsonObject) -> str:
        return f"{_name(summary, point)}{_elsewhere(summary, point)}"

    yield from cheaper(summary["points"], polling, what, _label(summary, summary["reference"]), name)


def _elsewhere(summary: JsonObject, point: JsonObject) -> str:
    """The parameters in which a point differs from the base, as far as its name does not say them."""
    base = summary["points"][summary["base_point"]]["parameters"]
    varied = [
        parameter_value(name, point["parameters"][name])
        for name in base
        if name not in LENGTHS and point["parameters"][name] != base[name]
    ]
    return f" at {listed(varied)}" if varied else ""


def _latencies(point: JsonObject) -> str:
    """Median and p95, as far as there are events enough for them, or else the mean; the first with its interval."""
    latency = point["latency_ms"]
    first, *others = [name for name in ("p50", "p95") if latency[name] is not None] or ["mean"]
    bounds = f" {interval(latency[f'{first}_ci95'])}" if latency[f"{first}_ci95"] else ""
    return ", ".join(
        [f"{first} {figure(latency[first])} ms{bounds}", *(f"{name} {figure(latency[name])} ms" for name in others)]
    )


def _name(summary: JsonObject, point: JsonObject) -> str:
    """Label, and the poll interval where it has one: the one parameter that is a transport's very nature."""
    every = point["parameters"].get("poll_interval_s")
    label = _label(summary, point["transport"])
    return label if every is None else f"{label} {parameter_value('poll_interval_s', every)}"


def _label(summary: JsonObject, transport: str) -> str:
    return next((str(s["label"]) for s in summary["transports"] if s["name"] == transport), transport)


def _is_round_trip(summary: JsonObject, transport: str) -> bool:
    return any(s["name"] == transport and s["model"].startswith("round_trip") for s in summary["transports"])
