"""The report's section "Scale": all numbers of clients, knees and slopes beside the laws, and costs per client."""

from __future__ import annotations

from collections.abc import Callable

from analysis.formatting import NOT_MEASURED, count, figure, interval, knee_in_words
from analysis.report.tables import Cell, Table
from analysis.summary.results import Results, present, reported
from analysis.summary.scaling import FLAT_RATIO, excess_p99_ms
from contract.summary import Estimate, Further, FurtherCosts, Point, ScalingLaw, TransportScaling
from contract.transports import TransportStyle
from terminal.wording import plural

_FURTHER: tuple[tuple[str, Callable[[FurtherCosts], Further | None], float], ...] = (
    ("server CPU µs per delivery", lambda costs: costs.server_cpu_us_per_event, 1.0),
    ("load CPU µs per delivery", lambda costs: costs.load_cpu_us_per_event, 1.0),
    ("server memory KB per client", lambda costs: costs.server_rss_bytes_per_client, 1000.0),
    ("load memory KB per client", lambda costs: costs.load_rss_bytes_per_client, 1000.0),
)
"""For each cost its title, a function that reads it, and the size of its unit in units of the summary."""


def scale_tables(results: Results) -> list[Table]:
    """Return the tables; none if the run does not vary the clients widely enough."""
    scaling = results.summary.scaling
    if scaling is None or not results.points:
        return []
    known = [
        (style, scaling.transports[style.name]) for style in results.transports if style.name in scaling.transports
    ]
    return [_points_table(results, known), _knee_table(known, scaling.p99_bound_ms), _flat_table(known)]


def scale_notes(results: Results) -> list[str]:
    """Return explanations of the section's terms."""
    if results.summary.scaling is None:
        return []
    return [
        "99 % of the clients: the time within which an event reaches that share of them, as the mean over events. "
        "Knee: the largest number of clients up to which, all smaller ones included, that time exceeds the model's on "
        "the trials' own schedules by no more than the bound; it is never beyond an invalid point. Slopes: least "
        "squares in each block over the valid points, of latency above the model; the fan-out law's are c/2 and c, "
        "with c the server's CPU time per delivery at the largest valid number of clients.",
        "Further clients: the cost of one more in the lower and in the upper half of the range, so that the cost of an "
        f"idle process cancels out; flat means that the two differ by no more than {FLAT_RATIO:.0%}. Memory is that of "
        "the process, without the kernel's memory for its sockets.",
    ]


def _points_table(results: Results, known: list[tuple[TransportStyle, TransportScaling]]) -> Table:
    swept = {series.transport.name: series.points for series in results.swept("clients")}
    rows = [_point_row(style, point) for style, _ in known for point in swept.get(style.name, ())]
    columns = (
        "Transport, clients",
        "mean ms",
        "99 % of the clients ms",
        "above the model ms",
        "server CPU µs per delivery",
        "load CPU µs per delivery",
        "server KB per client",
        "load KB per client",
        "all connected after s",
        "lost",
    )
    return Table("Clients: latency, and what holding and serving each of them costs", columns, tuple(rows))


def _point_row(style: TransportStyle, point: Point) -> tuple[Cell, ...]:
    mean_ms, mean_ci95 = reported(point, "mean_ms")
    reach_ms = present(point.reach_ms)
    return (
        Cell(f"{style.label}, {plural(point.parameters.clients, 'client')}", "" if point.valid else "INVALID"),
        Cell(figure(mean_ms), interval(mean_ci95)),
        Cell(figure(reach_ms.p99), interval(reach_ms.p99_ci95)),
        Cell(figure(excess_p99_ms(reach_ms))),
        Cell(figure(point.server_cpu_us_per_event)),
        Cell(figure(point.load_cpu_us_per_event)),
        Cell(_kilobytes(point.server_rss_bytes_per_client)),
        Cell(_kilobytes(point.load_rss_bytes_per_client)),
        Cell(figure(point.time_to_connect_s)),
        Cell(count(point.ledger.lost)),
    )


def _knee_table(known: list[tuple[TransportStyle, TransportScaling]], bound_ms: float) -> Table:
    rows = []
    for style, found in known:
        law = found.law
        rows.append(
            (
                Cell(style.label),
                Cell(knee_in_words(found.knee)),
                _slope_cell(found.slope_us_per_client.mean),
                Cell(figure(None if law is None else law.mean_slope_us)),
                _slope_cell(found.slope_us_per_client.max),
                Cell(figure(None if law is None else law.max_slope_us)),
                _service_cell(law),
                _saturation_cell(law),
            )
        )
    columns = (
        "Transport",
        f"knee (99 % of the clients ≤ model + {figure(bound_ms)} ms)",
        "mean, µs per client",
        "by the law c/2",
        "max, µs per client",
        "by the law c",
        "server's service time µs",
        "its core is full at",
    )
    return Table("Knees and slopes, measured and by the laws of saturation", columns, tuple(rows))


def _slope_cell(slope: Estimate | None) -> Cell:
    return Cell(NOT_MEASURED) if slope is None else Cell(figure(slope.value), interval(slope.ci95))


def _service_cell(law: ScalingLaw | None) -> Cell:
    return Cell(NOT_MEASURED) if law is None else Cell(figure(law.service_us), f"per {law.per}")


def _saturation_cell(law: ScalingLaw | None) -> Cell:
    if law is None:
        return Cell(NOT_MEASURED)
    cycle = law.cycle_ms
    clients = plural(round(law.saturated_at_clients), "client")
    return Cell(clients, "" if cycle is None else f"one round of all now: {figure(cycle)} ms")


def _flat_table(known: list[tuple[TransportStyle, TransportScaling]]) -> Table:
    rows = [
        (Cell(style.label), *(_further_cell(read(found.further), scale) for _, read, scale in _FURTHER))
        for style, found in known
    ]
    columns = ("Transport", *(title for title, _, _ in _FURTHER))
    return Table("What a further client costs: lower half of the range, then upper half", columns, tuple(rows))


def _further_cell(further: Further | None, scale: float) -> Cell:
    if further is None:
        return Cell(NOT_MEASURED)
    lower, upper = figure(further.lower / scale), figure(further.upper / scale)
    span = f"{count(further.from_clients)} to {count(further.to_clients)}"
    if further.flat:
        return Cell(f"{lower} → {upper}", f"flat from {span}")
    times = "" if further.ratio is None else f"×{figure(further.ratio)}, "
    return Cell(f"{lower} → {upper}", f"{times}NOT flat from {span}")


def _kilobytes(size_bytes: float | None) -> str:
    return NOT_MEASURED if size_bytes is None else figure(size_bytes / 1000)
