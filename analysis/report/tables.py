"""The report's tables, as text cells for both HTML and Markdown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

from analysis.formatting import NOT_MEASURED, count, figure, interval, percent
from analysis.report.page import slug
from analysis.summary.factor_effects import MEASURES, effects
from analysis.summary.model_deviations import deviations
from analysis.summary.results import PLAIN, Results, latency_statistic, reported
from contract.points import OF_THE_SERVER, differing, parameter_title, point_name
from contract.summary import (
    CostDifference,
    Freshness,
    LatencyDifference,
    LatencySplit,
    LatencyWithheld,
    Ledger,
    Part,
    Point,
    Requests,
)

SERVER_COLUMN = "server"
"""Head of the second column of tables of a scenario that names servers."""


@dataclass(frozen=True)
class Cell:
    """A value with an optional interval or remark in smaller print beside it, and another one in the line below."""

    text: str
    small: str = ""
    below: str = ""
    point: str = ""
    """The id of the point in the page, only in the cell that names its row."""

    @property
    def small_lines(self) -> tuple[str, ...]:
        """The lines in smaller print."""
        return tuple(line for line in (self.small, self.below) if line)

    def __str__(self) -> str:
        return f"{self.text} {'; '.join(self.small_lines)}".rstrip()


@dataclass(frozen=True)
class Table:
    """A table with named columns; the first column names the row."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    @property
    def has_gaps(self) -> bool:
        """Whether a cell holds a value that was not measured."""
        return any(cell.text == NOT_MEASURED for row in self.rows for cell in row)


_Column = tuple[str, Callable[[Point], Cell]]


def main_table(results: Results) -> Table:
    """Return the table of every transport at the base point."""
    rows = [(style.label, point) for style, point in results.base_points_by_server()]
    where = results.conditions(without="server" if results.servers else "")
    return _table(f"At the base point: {where}", "", results, rows)


def server_table(results: Results) -> Table | None:
    """Return the differences of all other servers from the first at the base point; None with a single server."""
    differences = [
        (style.label, point, found)
        for style, point in results.base_points_by_server()
        if (found := point.against_first_server) is not None
    ]
    if not differences:
        return None
    latencies = ("mean", "p50", "p95")
    costs = [
        (f"server CPU µs per {results.unit}", "server_cpu_us_per_event"),
        (f"load CPU µs per {results.unit}", "load_cpu_us_per_event"),
        (f"bytes per {results.unit}", "bytes_per_event"),
    ]
    rows = [
        (
            Cell(label, "" if point.valid else "INVALID"),
            _server(point),
            *(_difference(found.latency_differences_ms[name]) for name in latencies),
            *(_difference(found.costs[key]) for _, key in costs),
        )
        for label, point, found in differences
    ]
    columns = ("Transport", SERVER_COLUMN, *(f"{name} ms" for name in latencies), *(name for name, _ in costs))
    return Table(f"Each server less {results.servers[0]}, in the same blocks", columns, tuple(rows))


def _difference(found: LatencyDifference | CostDifference | None) -> Cell:
    """Return a difference with its interval and, for a cost, its share of the first server's figure."""
    if found is None:
        return Cell(NOT_MEASURED)
    bounds = found.ci95
    small = "" if bounds is None else f"[{signed(bounds[0])}, {signed(bounds[1])}]"
    reference = found.reference if isinstance(found, CostDifference) else None
    share = f"{'−' if found.value < 0 else '+'}{percent(abs(found.value / reference))}" if reference else ""
    return Cell(signed(found.value), small, share)


def sweep_tables(results: Results) -> list[Table]:
    """Return one table for each swept parameter except the server, with every transport at each value."""
    tables = []
    for parameter in (name for name in results.summary.varied if name not in OF_THE_SERVER):
        rows = [
            (point_name(series.transport.label, point.parameters, [parameter]), point)
            for series in results.swept(parameter)
            for point in series.points
        ]
        if rows:
            title = f"{parameter_title(parameter).capitalize()}: all else as at the base point"
            tables.append(_table(title, parameter, results, rows))
    return tables


def effect_table(results: Results) -> Table | None:
    """Return the effect of each option on latency and cost, as a ratio to the base point of the same transport."""
    found = effects(results)
    if not found:
        return None
    rows = []
    for effect in found:
        cells = []
        for measure in MEASURES:
            ratio, value = effect.ratio(measure), measure.read(effect.point)
            shown = NOT_MEASURED if ratio is None else f"×{figure(ratio)}"
            cells.append(Cell(shown, "" if value is None else f"{figure(value)} {measure.unit}"))
        rows.append((Cell(f"{effect.transport.label}, {effect.choice}"), *cells))
    columns = ("Transport, choice", "p50", f"server CPU per {results.unit}", f"bytes per {results.unit}")
    return Table("How much each choice moves the answer: against the same transport's base point", columns, tuple(rows))


def split_table(results: Results) -> Table | None:
    """Return the mean latency of every point in three parts, and its slow tail beside those of both models."""
    labels = {style.name: style.label for style in results.transports}
    rows = [
        (
            Cell(labels[point.transport], results.differences(point)),
            Cell(figure(point.latency_ms.mean)),
            Cell(figure(split.network)),
            Cell(figure(split.queueing)),
            _unexplained(point, split),
            _row_of_figures(point.latency_ms.p95, point.queue_model.p95_ms, point.model.p95_ms),
            _row_of_figures(point.latency_ms.p99, point.queue_model.p99_ms, point.model.p99_ms),
        )
        for point in results.points
        if (split := point.latency_split_ms) is not None
    ]
    columns = (
        "Point",
        "plain mean ms",
        "network",
        "queueing by our server and load",
        "unexplained",
        "p95: measured / with queues / network alone",
        "p99: measured / with queues / network alone",
    )
    return Table("What the mean latency consists of, ms", columns, tuple(rows)) if rows else None


def _unexplained(point: Point, split: LatencySplit) -> Cell:
    if split.unexplained is None:
        return Cell(NOT_MEASURED, point.queue_model.reason or "")
    return Cell(signed(split.unexplained))


def _row_of_figures(*values: float | None) -> Cell:
    return Cell(" / ".join(map(figure, values)))


_FIGURE_NAMES = {
    "mean_ms": "mean ms",
    "p50_ms": "p50 ms",
    "p99_ms": "p99 ms",
    "requests_per_event": "requests per event",
}


def deviation_table(results: Results) -> Table | None:
    """Return all figures that deviate notably from the model, with the cause; None if there are none."""
    labels = {style.name: style.label for style in results.transports}
    rows = [
        (
            Cell(labels[found.point.transport], results.differences(found.point)),
            Cell(_FIGURE_NAMES[found.name]),
            Cell(figure(found.measured)),
            Cell(figure(found.predicted)),
            Cell(found.cause or "not explained by anything recorded"),
        )
        for found in deviations(results.points)
    ]
    columns = ("Point", "figure", "measured", "model", "because of")
    return Table(_DEVIATIONS_TITLE, columns, tuple(rows)) if rows else None


_DEVIATIONS_TITLE = (
    "Farther from the model on the trials' own schedules than 2 % (p99: 4 %), and for latencies 0.5 ms: where, and why"
)


def ledger_table(results: Results) -> Table:
    """Return the counts of expected, delivered and lost deliveries and so on, summed over all trials."""
    kinds = [field.name for field in fields(Ledger)]
    rows = []
    for style in results.transports:
        own = [point for point in results.points if point.transport == style.name]
        sums = [sum(getattr(point.ledger, kind) for point in own) for kind in kinds]
        trials = sum(point.trials for point in own)
        rows.append((Cell(style.label), Cell(count(trials)), *(Cell(count(total)) for total in sums)))
    return Table("Ledger over all trials, warm-up included", ("Transport", "trials", *kinds), tuple(rows))


def request_table(results: Results) -> Table:
    """Return the numbers of requests by kind and outcome, summed over all trials."""
    kinds = [field.name for field in fields(Requests)]
    rows = []
    for style in results.transports:
        own = [point for point in results.points if point.transport == style.name]
        sums = [sum(getattr(point.requests, kind) for point in own) for kind in kinds]
        rows.append((Cell(style.label), *(Cell(count(total)) for total in sums)))
    return Table("Requests over all trials, warm-up included", ("Transport", *kinds), tuple(rows))


def parts_table(results: Results) -> Table:
    """Return the parts of the latency, and the costs of setting up, at the base point."""
    columns: list[_Column] = [
        ("server lag p50 / p99 ms", lambda p: _pair(p.parts_ms.server_lag)),
        ("delivery p50 / p99 ms", lambda p: _pair(p.parts_ms.delivery)),
        ("client delay p50 / p99 ms", lambda p: _pair(p.parts_ms.client_delay)),
        *_freshness_columns(results, ("view older than 1 s", _older_than_1_s), ("mean age ms", _mean_age)),
        ("set-up p50 ms", lambda p: Cell(figure(p.setup_ms.p50), interval(p.setup_ms.p50_ci95))),
        ("set-up bytes per client", lambda p: Cell(figure(p.setup_bytes_per_client))),
        ("server CPU", lambda p: Cell(percent(p.server_cpu_ratio))),
        ("load CPU", lambda p: Cell(percent(p.load_cpu_ratio))),
        *_relay_columns(results),
        ("server memory MB", lambda p: Cell(_megabytes(p.server_rss_bytes))),
    ]
    if any(point.parts_ms.queue for point in results.points):
        columns.insert(1, ("queue p50 / p99 ms", lambda p: _pair(p.parts_ms.queue)))
    columns[:0] = _server_column(results)
    rows = [
        (Cell(style.label), *(read(point) for _, read in columns)) for style, point in results.base_points_by_server()
    ]
    return Table(
        "Parts of the latency and cost of setting up, at the base point",
        ("Transport", *(name for name, _ in columns)),
        tuple(rows),
    )


def _table(title: str, swept: str, results: Results, rows: Sequence[tuple[str, Point]]) -> Table:
    columns: list[_Column] = [
        *_server_column(results),
        ("mean ms", lambda p: _estimate(p, "mean_ms")),
        ("p50 ms", lambda p: _quantile(p, "p50")),
        ("p95 ms", lambda p: _quantile(p, "p95")),
        ("p99 ms", lambda p: _quantile(p, "p99")),
        *_rare_columns(rows),
        ("max ms", lambda p: Cell(figure(p.latency_ms.max))),
        ("requests per event", lambda p: _estimate(p, "requests_per_event")),
        (
            "bytes per event",
            lambda p: Cell(figure(p.bytes_per_event.total), interval(p.bytes_per_event_ci95.total)),
        ),
        ("empty polls", lambda p: Cell(percent(p.empty_ratio), _percents(p.empty_ratio_ci95))),
        *_freshness_columns(results, ("view older than 100 ms", _older_than_100_ms)),
        (
            "server CPU µs per event",
            lambda p: Cell(figure(p.server_cpu_us_per_event), interval(p.server_cpu_us_per_event_ci95)),
        ),
        ("lost", lambda p: Cell(count(p.ledger.lost))),
    ]
    if results.reference is not None and len(results.transports) > 1:
        columns.append((f"p50 against {results.reference.label}", lambda p: _against(p, results)))
    body = tuple(
        (
            Cell(name, "" if point.valid else "INVALID", point=_point_id(results, point)),
            *(read(point) for _, read in columns),
        )
        for name, point in rows
    )
    first = "Transport" if not swept else f"Transport, {parameter_title(swept)}"
    return Table(title, (first, *(name for name, _ in columns)), body)


def _server_column(results: Results) -> list[_Column]:
    return [(SERVER_COLUMN, _server)] if results.servers else []


def _server(point: Point) -> Cell:
    return Cell(NOT_MEASURED if point.parameters.server is None else point.parameters.server)


def _point_id(results: Results, point: Point) -> str:
    """Return a point's id in the page: `point-websocket`, `point-short_poll-poll_interval_s-0.1`."""
    changed = differing(point.parameters, results.base)
    return slug("-".join(("point", point.transport, *(f"{name}-{point.parameters[name]}" for name in changed))))


def _rare_columns(rows: Sequence[tuple[str, Point]]) -> list[_Column]:
    """Return the column of the p99.9, if any point has enough events for one."""
    if all(point.latency_ms.p999 is None for _, point in rows):
        return []
    return [("p99.9 ms", lambda p: Cell(figure(p.latency_ms.p999), interval(p.latency_ms.p999_ci95)))]


def _relay_columns(results: Results) -> list[_Column]:
    if all(point.relay_cpu_ratio is None for point in results.points):
        return []
    return [("relay CPU", lambda p: Cell(percent(p.relay_cpu_ratio)))]


def _freshness_columns(results: Results, *named: tuple[str, Callable[[Freshness], Cell]]) -> list[_Column]:
    """Return columns of freshness, if the run has a stream of events."""
    if not any(point.freshness for point in results.points):
        return []

    def reader(cell: Callable[[Freshness], Cell]) -> Callable[[Point], Cell]:
        return lambda point: Cell(NOT_MEASURED) if point.freshness is None else cell(point.freshness)

    return [(name, reader(cell)) for name, cell in named]


def _older_than_100_ms(found: Freshness) -> Cell:
    return Cell(percent(found.older_than_100_ms_ratio), _percents(found.older_than_100_ms_ratio_ci95))


def _older_than_1_s(found: Freshness) -> Cell:
    return Cell(percent(found.older_than_1_s_ratio), _percents(found.older_than_1_s_ratio_ci95))


def _mean_age(found: Freshness) -> Cell:
    return Cell(figure(found.mean_age_ms), interval(found.mean_age_ms_ci95))


def _estimate(point: Point, name: str) -> Cell:
    """Return a figure as reported, with the plain figure in smaller print if it differs."""
    (value, ci95), (uncorrected, plain_ci95) = reported(point, name), PLAIN[name](point)
    if value is None and point.latency_withheld is not None:
        return _uncertain(point.latency_withheld)
    shown, measured = (figure(value), interval(ci95)), (figure(uncorrected), interval(plain_ci95))
    if shown == measured:
        return Cell(*shown)
    return Cell(*shown, f"plain {' '.join(measured)}".rstrip())


def _quantile(point: Point, name: str) -> Cell:
    value, ci95 = latency_statistic(point, name)
    if value is None and point.latency_withheld is not None:
        return _uncertain(point.latency_withheld)
    few = point.quantiles_withheld
    if value is None and few is not None and name in few.needed:
        return Cell(NOT_MEASURED, f"{count(few.events)} of {count(few.needed[name])} events")
    return Cell(figure(value), interval(ci95))


def _uncertain(withheld: LatencyWithheld) -> Cell:
    return Cell(NOT_MEASURED, f"not known to better than ±{figure(withheld.uncertainty_ms)} ms")


def _pair(part: Part | None) -> Cell:
    if part is None or (part.p50 is None and part.p99 is None):
        return Cell(NOT_MEASURED)
    return _row_of_figures(part.p50, part.p99)


def _against(point: Point, results: Results) -> Cell:
    if point.transport == results.summary.reference:
        return Cell("reference")
    against = point.against_reference
    if against is None or (difference := against.p50_difference_ms) is None:
        return Cell(NOT_MEASURED)
    times = "" if against.ratio_p50 is None else f" (×{figure(against.ratio_p50)})"
    bounds = difference.ci95
    small = "" if bounds is None else f"[{signed(bounds[0])}, {signed(bounds[1])}]"
    return Cell(f"{signed(difference.value)} ms{times}", small)


def _percents(bounds: Sequence[float] | None) -> str:
    """Return an interval of a ratio, in per cent."""
    return interval([100 * bound for bound in bounds]) if bounds else ""


def signed(value_ms: float) -> str:
    """Format a value with its sign and three digits, to at most a hundredth of a millisecond."""
    size = figure(abs(value_ms)) if abs(value_ms) >= 1 else f"{abs(value_ms):.2f}"
    return f"{'−' if value_ms < 0 and size != '0.00' else '+'}{size}"


def _megabytes(size_bytes: float | None) -> str:
    return NOT_MEASURED if size_bytes is None else figure(size_bytes / 1e6)
