"""The verdict on several servers: each compared with the first, for each transport at the base point."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from analysis.formatting import figure, interval, listed, percent
from analysis.summary.results import Results
from analysis.verdict.claims import is_shown
from analysis.verdict.latency_differences import how_different, signed_ms
from contract.summary import CostDifference, Point
from contract.times import RESOLUTION_MS


def server_headline(results: Results, conditions: str, most_words: int) -> str | None:
    """Return a sentence on all other servers, of at most `most_words` words if possible; None with one server."""
    differences = {name: _points(results, name) for name in results.servers[1:]}
    measured = {name: points for name, points in differences.items() if points}
    if not measured:
        return None
    costs = [_cost_in_short(name, results.servers[0], points) for name, points in measured.items()]
    latencies = [_latency_in_short(points) for points in measured.values()]
    whole = "; ".join(f"{cost}, {latency}" for cost, latency in zip(costs, latencies, strict=True))
    sentences = (f"{conditions}{whole}.", f"{whole}.", f"{'; '.join(costs)}.")
    fitting = next((each for each in sentences if len(each.split()) <= most_words), sentences[-1])
    return f"{fitting[0].upper()}{fitting[1:]}"


def server_lines(results: Results) -> Iterator[str]:
    """Yield a clause for every transport on every other server."""
    for name in results.servers[1:]:
        for point in _points(results, name):
            label = results.label(point.transport)
            different = how_different(point, point.against_first_server)
            yield f"{label} on {name} against {results.servers[0]}: {different}, for {_cost(point)}"


def _points(results: Results, server: str) -> list[Point]:
    return [
        point
        for _, point in results.base_points_by_server()
        if point.parameters.server == server and point.against_first_server is not None
    ]


def _cpu(point: Point) -> CostDifference | None:
    return None if point.against_first_server is None else point.against_first_server.costs["server_cpu_us_per_event"]


def _cost(point: Point) -> str:
    found, ours = _cpu(point), figure(point.server_cpu_us_per_event)
    if found is None:
        return "an unknown difference in server CPU"
    both = f"{ours} against {figure(found.reference)} µs of server CPU per event"
    if not found.reference or found.ci95 is None:
        return f"{both} (no interval)"
    if not is_shown(found):
        half = max(abs(bound - found.value) for bound in found.ci95)
        return f"{both} (no difference shown: {signed_ms(found.value)} ± {figure(half)} µs)"
    bounds = interval(sorted(abs(bound) for bound in found.ci95))
    return f"{both} ({percent(_ratio(found))} {_direction(found)}: {figure(abs(found.value))} {bounds} µs)"


def _ratio(found: CostDifference) -> float:
    return abs(found.value / found.reference)


def _direction(found: CostDifference) -> str:
    return "more" if found.value > 0 else "less"


def _cost_in_short(name: str, first: str, points: Sequence[Point]) -> str:
    """Return `b takes 12.0 % to 41.8 % less server CPU than a`, of the transports that show a difference."""
    known = [found for point in points if (found := _cpu(point)) is not None and found.reference]
    if not known:
        return f"the difference in server CPU between {name} and {first} is not known"
    shown = [found for found in known if is_shown(found)]
    if not shown:
        return f"no difference in server CPU between {name} and {first} was shown"
    parts = []
    for direction in ("less", "more"):
        ratios = sorted(_ratio(found) for found in shown if _direction(found) == direction)
        if ratios:
            ends = dict.fromkeys(percent(ratio) for ratio in (ratios[0], ratios[-1]))
            parts.append(f"{' to '.join(ends)} {direction}")
    return f"{name} takes {listed(parts)} server CPU per event than {first}"


def _latency_in_short(points: Sequence[Point]) -> str:
    """Return the largest difference shown in the highest quantile that all have, or that none was shown."""
    names = ("p95", "p50", "mean")
    each = [point.against_first_server.latency_differences_ms for point in points if point.against_first_server]
    name = next((name for name in names if all(found[name] is not None for found in each)), "mean")
    differences = [difference for found in each if (difference := found[name]) is not None]
    shown = [found for found in differences if is_shown(found) and abs(found.value) >= RESOLUTION_MS]
    if not shown:
        return "with no difference in latency shown"
    largest = max(shown, key=lambda found: abs(found.value)).value
    return f"with latencies up to {figure(abs(largest))} ms {'longer' if largest > 0 else 'shorter'} at {name}"
