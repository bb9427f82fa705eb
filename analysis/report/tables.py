"""The report's tables, as text cells for both HTML and Markdown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from analysis.formatting import NOT_MEASURED, count, figure, interval, parameter_title, parameter_value, percent
from analysis.report.addresses import slug
from analysis.summary.factor_effects import MEASURES, effects
from analysis.summary.model_deviations import deviations
from analysis.summary.results import Results, plain, reported, value_at
from analysis.summary.same_point import differing
from contract.records import JsonObject


@dataclass(frozen=True)
class Cell:
    """A value and, in smaller print, its interval or a remark, and in a line below another one."""

    text: str
    small: str = ""
    below: str = ""
    point: str = ""
    """Of the cell that names a point's row: the address of the point within a page."""

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


_Column = tuple[str, Callable[[JsonObject], Cell]]


def main_table(results: Results) -> Table:
    """Return the table of every transport at the base point."""
    rows = [(series.transport.label, point) for series in results.base_points() for point in series.points]
    return _table(f"At the base point: {results.conditions()}", "", results, rows)


def sweep_tables(results: Results) -> list[Table]:
    """Return one table per swept parameter, with every transport at each of its values."""
    tables = []
    for parameter in results.summary["varied"]:
        rows = [
            (f"{series.transport.label}, {parameter_value(parameter, point['parameters'][parameter])}", point)
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
            ratio, value = effect.ratio(measure), value_at(effect.point, *measure.path)
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
            Cell(labels[point["transport"]], results.differences(point)),
            Cell(figure(value_at(point, "latency_ms", "mean"))),
            *(Cell(figure(value_at(point, "latency_split_ms", part))) for part in ("network", "queueing")),
            _unexplained(point),
            *(_by_both_models(point, quantile) for quantile in ("p95", "p99")),
        )
        for point in results.points
        if point.get("latency_split_ms")
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


def _unexplained(point: JsonObject) -> Cell:
    left_ms = value_at(point, "latency_split_ms", "unexplained")
    return (
        Cell(NOT_MEASURED, value_at(point, "queue_model", "reason") or "") if left_ms is None else Cell(signed(left_ms))
    )


def _by_both_models(point: JsonObject, quantile: str) -> Cell:
    found = [value_at(point, "latency_ms", quantile)]
    found += [value_at(point, model, f"{quantile}_ms") for model in ("queue_model", "model")]
    return Cell(" / ".join(map(figure, found)))


_FIGURE_NAMES = {
    "mean_ms": "mean ms",
    "p50_ms": "p50 ms",
    "p99_ms": "p99 ms",
    "requests_per_event": "requests per event",
}


def deviation_table(results: Results) -> Table | None:
    """Return every figure that differs notably from the model on its own schedule, and why; None if there is none."""
    labels = {style.name: style.label for style in results.transports}
    rows = [
        (
            Cell(labels[found.point["transport"]], results.differences(found.point)),
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
    """Return what every client must have received, and what it did, summed over the points' trials."""
    kinds = ("expected", "delivered", "lost", "duplicate", "reordered", "late", "corrupt")
    rows = []
    for style in results.transports:
        own = [point for point in results.points if point["transport"] == style.name]
        sums = [sum(point["ledger"].get(kind, 0) for point in own) for kind in kinds]
        trials = sum(point["trials"] for point in own)
        rows.append((Cell(style.label), Cell(count(trials)), *(Cell(count(total)) for total in sums)))
    return Table("Ledger over all trials, warm-up included", ("Transport", "trials", *kinds), tuple(rows))


def request_table(results: Results) -> Table:
    """Return all requests by outcome."""
    kinds = ("connects", "handshakes", "polls", "posts", "empty", "skipped", "reconnects", "errors")
    rows = []
    for style in results.transports:
        own = [point for point in results.points if point["transport"] == style.name]
        sums = [sum(point["requests"].get(kind) or 0 for point in own) for kind in kinds]
        rows.append((Cell(style.label), *(Cell(count(total)) for total in sums)))
    return Table("Requests over all trials, warm-up included", ("Transport", *kinds), tuple(rows))


def parts_table(results: Results) -> Table:
    """Return the parts of the latency, and the costs of setting up, at the base point."""
    columns: list[_Column] = [
        ("server lag p50 / p99 ms", lambda p: _pair(p, "server_lag")),
        ("delivery p50 / p99 ms", lambda p: _pair(p, "delivery")),
        ("client delay p50 / p99 ms", lambda p: _pair(p, "client_delay")),
        *_outdated_columns(results, ("older_than_1_s_ratio", "view older than 1 s"), ("mean_age_ms", "mean age ms")),
        (
            "set-up p50 ms",
            lambda p: Cell(figure(value_at(p, "setup_ms", "p50")), interval(value_at(p, "setup_ms", "p50_ci95"))),
        ),
        ("set-up bytes per client", lambda p: Cell(figure(p["setup_bytes_per_client"]))),
        ("server CPU", lambda p: Cell(percent(p["server_cpu_ratio"]))),
        ("load CPU", lambda p: Cell(percent(p["load_cpu_ratio"]))),
        *_relay_columns(results),
        ("server memory MB", lambda p: Cell(_megabytes(p["server_rss_bytes"]))),
    ]
    if any(value_at(point, "parts_ms", "queue") for point in results.points):
        columns.insert(1, ("queue p50 / p99 ms", lambda p: _pair(p, "queue")))
    rows = [
        (Cell(series.transport.label), *(read(point) for _, read in columns))
        for series in results.base_points()
        for point in series.points
    ]
    return Table(
        "Parts of the latency and cost of setting up, at the base point",
        ("Transport", *(name for name, _ in columns)),
        tuple(rows),
    )


def _table(title: str, swept: str, results: Results, rows: Sequence[tuple[str, JsonObject]]) -> Table:
    columns: list[_Column] = [
        ("mean ms", lambda p: _estimate(p, "mean_ms")),
        ("p50 ms", lambda p: _quantile(p, "p50")),
        ("p95 ms", lambda p: _quantile(p, "p95")),
        ("p99 ms", lambda p: _quantile(p, "p99")),
        *_rare_columns(rows),
        ("max ms", lambda p: Cell(figure(p["latency_ms"]["max"]))),
        ("requests per event", lambda p: _estimate(p, "requests_per_event")),
        (
            "bytes per event",
            lambda p: Cell(
                figure(value_at(p, "bytes_per_event", "total")), interval(value_at(p, "bytes_per_event_ci95", "total"))
            ),
        ),
        ("empty polls", lambda p: Cell(percent(p["empty_ratio"]), _percents(p.get("empty_ratio_ci95")))),
        *_outdated_columns(results, ("older_than_100_ms_ratio", "view older than 100 ms")),
        (
            "server CPU µs per event",
            lambda p: Cell(figure(p["server_cpu_us_per_event"]), interval(p.get("server_cpu_us_per_event_ci95"))),
        ),
        ("lost", lambda p: Cell(count(value_at(p, "ledger", "lost")))),
    ]
    if results.reference is not None and len(results.transports) > 1:
        columns.append((f"p50 against {results.reference.label}", lambda p: _against(p, results)))
    body = tuple(
        (
            Cell(name, "" if point["valid"] else "INVALID", point=_address(results, point)),
            *(read(point) for _, read in columns),
        )
        for name, point in rows
    )
    first = "Transport" if not swept else f"Transport, {parameter_title(swept)}"
    return Table(title, (first, *(name for name, _ in columns)), body)


def _address(results: Results, point: JsonObject) -> str:
    """Return a point's address: `point-websocket`, `point-short_poll-poll_interval_s-0.1`."""
    changed = differing(point["parameters"], results.base)
    return slug("-".join(("point", point["transport"], *(f"{name}-{point['parameters'][name]}" for name in changed))))


def _rare_columns(rows: Sequence[tuple[str, JsonObject]]) -> list[_Column]:
    """Return the column of the p99.9, if any point has events enough for one."""
    if all(value_at(point, "latency_ms", "p999") is None for _, point in rows):
        return []
    return [
        (
            "p99.9 ms",
            lambda p: Cell(figure(value_at(p, "latency_ms", "p999")), interval(value_at(p, "latency_ms", "p999_ci95"))),
        )
    ]


def _relay_columns(results: Results) -> list[_Column]:
    if all(point["relay_cpu_ratio"] is None for point in results.points):
        return []
    return [("relay CPU", lambda p: Cell(percent(p["relay_cpu_ratio"])))]


def _outdated_columns(results: Results, *named: tuple[str, str]) -> list[_Column]:
    """Return columns of freshness, if the run has a stream of events."""
    if not any(point.get("freshness") for point in results.points):
        return []

    def reader(key: str) -> Callable[[JsonObject], Cell]:
        shown, bounds = (percent, _percents) if key.endswith("_ratio") else (figure, interval)
        return lambda point: Cell(
            shown(value_at(point, "freshness", key)), bounds(value_at(point, "freshness", f"{key}_ci95"))
        )

    return [(name, reader(key)) for key, name in named]


def _estimate(point: JsonObject, name: str) -> Cell:
    """Return a figure as reported, followed by the plain figure in smaller print if it differs."""
    (value, ci95), (uncorrected, plain_ci95) = reported(point, name), plain(point, name)
    withheld = point.get("latency_withheld")
    if value is None and withheld:
        return Cell(NOT_MEASURED, f"not known to better than ±{figure(withheld['uncertainty_ms'])} ms")
    shown, measured = (figure(value), interval(ci95)), (figure(uncorrected), interval(plain_ci95))
    if shown == measured:
        return Cell(*shown)
    return Cell(*shown, f"plain {' '.join(measured)}".rstrip())


def _quantile(point: JsonObject, name: str) -> Cell:
    withheld = point.get("latency_withheld")
    if withheld and point["latency_ms"][name] is None:
        return Cell(NOT_MEASURED, f"not known to better than ±{figure(withheld['uncertainty_ms'])} ms")
    needed = value_at(point, "quantiles_withheld", "needed", name)
    if needed and point["latency_ms"][name] is None:
        return Cell(NOT_MEASURED, f"{count(point['quantiles_withheld']['events'])} of {count(needed)} events")
    return Cell(figure(point["latency_ms"][name]), interval(point["latency_ms"].get(f"{name}_ci95")))


def _pair(point: JsonObject, part: str) -> Cell:
    low, high = value_at(point, "parts_ms", part, "p50"), value_at(point, "parts_ms", part, "p99")
    return Cell(NOT_MEASURED) if low is None and high is None else Cell(f"{figure(low)} / {figure(high)}")


def _against(point: JsonObject, results: Results) -> Cell:
    if point["transport"] == results.summary["reference"]:
        return Cell("reference")
    difference = value_at(point, "against_reference", "p50_difference_ms", "value")
    if difference is None:
        return Cell(NOT_MEASURED)
    bounds = value_at(point, "against_reference", "p50_difference_ms", "ci95")
    ratio = value_at(point, "against_reference", "ratio_p50")
    times = "" if ratio is None else f" (×{figure(ratio)})"
    shown = signed(difference)
    small = "" if bounds is None else f"[{signed(bounds[0])}, {signed(bounds[1])}]"
    return Cell(f"{shown} ms{times}", small)


def _percents(bounds: Sequence[float] | None) -> str:
    """Return an interval of a ratio, in per cent."""
    return interval([100 * bound for bound in bounds]) if bounds else ""


def signed(value_ms: float) -> str:
    """Return the value with its sign and three digits, but nothing finer than a hundredth of a millisecond."""
    size = figure(abs(value_ms)) if abs(value_ms) >= 1 else f"{abs(value_ms):.2f}"
    return f"{'−' if value_ms < 0 and size != '0.00' else '+'}{size}"


def _megabytes(size_bytes: float | None) -> str:
    return NOT_MEASURED if size_bytes is None else figure(size_bytes / 1e6)
