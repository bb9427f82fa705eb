"""Tables of the section "What the wrong way says, and what is true" of a run that is wrong on purpose."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from analysis.formatting import NOT_MEASURED, count, figure, interval, percent, point_name
from analysis.report.tables import Cell, Table
from analysis.summary.results import Results, value_at
from contract.records import JsonObject

_Column = tuple[str, Callable[[JsonObject], Cell]]


def wrong_way_tables(results: Results) -> list[Table]:
    """Return the tables about this run's mistakes; none if it makes none on purpose."""
    if not results.summary.get("wrong_way"):
        return []
    tables = []
    if _any(results, "cursor", value=False):
        tables.append(_losses(results))
    if _any(results, "pacing", value="pause"):
        tables.append(_answer_times(results))
    if not tables or _any(results, "phase", value="locked"):
        tables.append(_single_runs(results))
    return tables


def _losses(results: Results) -> Table:
    columns: list[_Column] = [
        ("it says: failed requests", lambda p: Cell(count(value_at(p, "requests", "errors")))),
        ("it says: p50 ms", lambda p: Cell(figure(value_at(p, "latency_ms", "p50")))),
        ("true: events lost", lambda p: Cell(percent(value_at(p, "loss", "ratio")))),
        ("lost by the model on these schedules", lambda p: Cell(percent(value_at(p, "loss", "model_ratio")))),
        ("lost in closed form", lambda p: Cell(percent(value_at(p, "loss", "closed_form_ratio")))),
    ]
    return _table("Events that nobody missed, because nobody asked for them", columns, results, _polled(results))


def _answer_times(results: Results) -> Table:
    columns: list[_Column] = [
        ("it says: request took, mean ms", lambda p: _of(p, "as_reported", "answer_ms", "mean")),
        ("p50 ms", lambda p: _of(p, "as_reported", "answer_ms", "p50")),
        ("p95 ms", lambda p: _of(p, "as_reported", "answer_ms", "p95")),
        ("true: staleness, mean ms", lambda p: _of(p, "latency_ms", "mean")),
        ("p50 ms", lambda p: _of(p, "latency_ms", "p50")),
        ("p95 ms", lambda p: _of(p, "latency_ms", "p95")),
        ("error of the mean, ms", lambda p: _error(p, ("as_reported", "answer_ms", "mean"), ("latency_ms", "mean"))),
        (
            "by the model, request time in closed form",
            lambda p: _error(p, ("as_reported", "answer_model_mean_ms"), ("model", "mean_ms")),
        ),
    ]
    return _table(
        "The time a request took, against the staleness of what it brought", columns, results, _polled(results)
    )


def _single_runs(results: Results) -> Table:
    reference = results.reference
    against = f" against {reference.label}" if reference else ""
    columns: list[_Column] = [
        ("it says: p50 ms of one run", lambda p: _range(p, "one_run_ms", "p50")),
        ("by the model", lambda p: _range(p, "one_run_model_ms", "p50")),
        ("true: p50 ms of all runs", lambda p: _pooled(p, "p50")),
        ("it says: p95 ms of one run", lambda p: _range(p, "one_run_ms", "p95")),
        ("by the model", lambda p: _range(p, "one_run_model_ms", "p95")),
        ("true: p95 ms of all runs", lambda p: _pooled(p, "p95")),
    ]
    if any(value_at(point, "as_reported", "misranked") for point in results.points):
        columns += [
            (f"runs that rank p50{against} the other way round", lambda p: _misranked(p, "p50")),
            ("and p95", lambda p: _misranked(p, "p95")),
        ]
    return _table("What each run alone would have claimed: lowest to highest", columns, results, results.points)


def _table(title: str, columns: Sequence[_Column], results: Results, points: Sequence[JsonObject]) -> Table:
    rows = [(Cell(_name(results, point)), *(read(point) for _, read in columns)) for point in points]
    return Table(title, ("Transport", *(name for name, _ in columns)), tuple(rows))


def _name(results: Results, point: JsonObject) -> str:
    return point_name(results.label(point["transport"]), point["parameters"], results.summary["varied"])


def _polled(results: Results) -> list[JsonObject]:
    polling = {style.name for style in results.transports if style.polling}
    return [point for point in results.points if point["transport"] in polling]


def _any(results: Results, parameter: str, *, value: object) -> bool:
    return any(point["parameters"].get(parameter) == value for point in results.points)


def _of(point: JsonObject, *path: str) -> Cell:
    return Cell(figure(value_at(point, *path)))


def _error(point: JsonObject, said: Sequence[str], true: Sequence[str]) -> Cell:
    said_ms, true_ms = value_at(point, *said), value_at(point, *true)
    if said_ms is None or true_ms is None:
        return Cell(NOT_MEASURED)
    return Cell(f"{'+' if said_ms > true_ms else ''}{figure(said_ms - true_ms)}")


def _range(point: JsonObject, key: str, name: str) -> Cell:
    bounds = value_at(point, "as_reported", key, name)
    return Cell(NOT_MEASURED if bounds is None else f"{figure(bounds[0])} to {figure(bounds[1])}")


def _pooled(point: JsonObject, name: str) -> Cell:
    return Cell(figure(point["latency_ms"][name]), interval(point["latency_ms"][f"{name}_ci95"]))


def _misranked(point: JsonObject, name: str) -> Cell:
    found = value_at(point, "as_reported", "misranked")
    if found is None or found[name] is None:
        return Cell(NOT_MEASURED)
    return Cell(f"{count(found[name])} of {count(found['blocks'])}")
