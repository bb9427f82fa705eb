"""Figures that deviate notably from the model, and their cause as far as the records show it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from analysis.formatting import figure, percent
from contract.summary import Point
from terminal.wording import plural

TOLERANCE_MS = 0.5
TOLERANCE_RATIOS = {"mean_ms": 0.02, "p50_ms": 0.02, "p99_ms": 0.04, "requests_per_event": 0.02}
"""Relative deviations from the model up to which a figure is not listed; for latencies at least TOLERANCE_MS."""
SATURATED_CPU_RATIO = 0.6
"""Share of a core above which requests queue for much of the time."""
_MEASURED: dict[str, Callable[[Point], float | None]] = {
    "mean_ms": lambda point: point.latency_ms.mean,
    "p50_ms": lambda point: point.latency_ms.p50,
    "p99_ms": lambda point: point.latency_ms.p99,
    "requests_per_event": lambda point: point.requests_per_event,
}


@dataclass(frozen=True)
class Deviation:
    """One figure of one point."""

    point: Point
    name: str
    """`mean_ms`, `p50_ms`, `p99_ms` or `requests_per_event`."""
    measured: float
    predicted: float
    cause: str | None
    """One clause; None if nothing that was recorded explains it."""


def deviations(points: Sequence[Point]) -> list[Deviation]:
    """Return every figure that deviates from the model on its schedules by more than 2 % (p99: 4 %) and 0.5 ms."""
    return [found for point in points for found in _of(point)]


def exceeds(name: str, measured: float, predicted: float) -> bool:
    """Return whether a measured figure deviates notably from the predicted one."""
    relative = TOLERANCE_RATIOS[name] * abs(predicted)
    return abs(measured - predicted) > (max(relative, TOLERANCE_MS) if name.endswith("_ms") else relative)


def _of(point: Point) -> Iterator[Deviation]:
    for name in TOLERANCE_RATIOS:
        measured, predicted = _MEASURED[name](point), getattr(point.model, name)
        if measured is not None and predicted is not None and exceeds(name, measured, predicted):
            yield Deviation(point, name, measured, predicted, _cause(point, name, measured))


def _cause(point: Point, name: str, measured: float) -> str | None:
    for ratio, process in ((point.server_cpu_ratio, "server"), (point.load_cpu_ratio, "load generator")):
        if ratio is not None and ratio > SATURATED_CPU_RATIO:
            return f"saturation: the {process} used {percent(ratio)} of a core"
    queued = getattr(point.queue_model, name)
    if queued is not None and not exceeds(name, measured, queued):
        return f"queueing by our own server and load: with their queues the model gives {figure(queued)}"
    return (_tail(point) if name == "p99_ms" else None) or _invalidity(point)


def _invalidity(point: Point) -> str | None:
    """Return the reason why the point is invalid, such as other programs on the server's core, if it is."""
    if not point.invalid_reasons:
        return None
    first, *others = point.invalid_reasons
    more = f" (and {plural(len(others), 'more reason')})" if others else ""
    return f"not explained beyond what makes the point INVALID: {first}{more}"


def _tail(point: Point) -> str | None:
    """Return that the slowest hundredth is the cause, with the part of late publishing in it, if that is known."""
    lag, delivery_ms = point.parts_ms.server_lag, point.residual_ms.p99
    if lag is None or lag.p99 is None or delivery_ms is None:
        return None
    return (
        f"the slowest hundredth: {figure(delivery_ms)} ms over the model, of which publishing late up to "
        f"{figure(lag.p99)} ms"
    )
