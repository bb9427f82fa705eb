"""The report's tables on the mistake of a run that makes one on purpose: careless results beside the true ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from analysis.formatting import NOT_MEASURED, count, figure, interval, percent
from analysis.report.tables import Cell, Table
from analysis.summary.results import Results, latency_statistic
from contract.points import point_name
from contract.summary import Answers, Extremes, Point

_Column = tuple[str, Callable[[Point], Cell]]


def wrong_way_tables(results: Results) -> list[Table]:
    """Return the tables on the mistakes of this run; none if it makes no mistake on purpose."""
    if not results.summary.wrong_way:
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
        ("it says: failed requests", lambda p: Cell(count(p.requests.errors))),
        ("it says: p50 ms", lambda p: Cell(figure(p.latency_ms.p50))),
        ("true: events lost", lambda p: Cell(percent(p.loss.ratio))),
        ("lost by the model on these schedules", lambda p: Cell(percent(p.loss.model_ratio))),
        ("lost in closed form", lambda p: Cell(percent(p.loss.closed_form_ratio))),
    ]
    return _table("Events that nobody missed, because nobody asked for them", columns, results, _polled(results))


def _answer_times(results: Results) -> Table:
    columns: list[_Column] = [
        ("it says: request took, mean ms", lambda p: Cell(figure(_answer_mean_ms(p)))),
        ("p50 ms", lambda p: Cell(figure(None if (found := _answers(p)) is None else found.p50))),
        ("p95 ms", lambda p: Cell(figure(None if (found := _answers(p)) is None else found.p95))),
        ("true: staleness, mean ms", lambda p: Cell(figure(p.latency_ms.mean))),
        ("p50 ms", lambda p: Cell(figure(p.latency_ms.p50))),
        ("p95 ms", lambda p: Cell(figure(p.latency_ms.p95))),
        ("error of the mean, ms", lambda p: _error(_answer_mean_ms(p), p.latency_ms.mean)),
        (
            "by the model, request time in closed form",
            lambda p: _error(None if p.as_reported is None else p.as_reported.answer_model_mean_ms, p.model.mean_ms),
        ),
    ]
    return _table(
        "The time a request took, against the staleness of what it brought", columns, results, _polled(results)
    )


def _single_runs(results: Results) -> Table:
    reference = results.reference
    against = f" against {reference.label}" if reference else ""
    columns: list[_Column] = [
        ("it says: p50 ms of one run", lambda p: _range(_measured_ranges(p), "p50")),
        ("by the model", lambda p: _range(_model_ranges(p), "p50")),
        ("true: p50 ms of all runs", lambda p: _pooled(p, "p50")),
        ("it says: p95 ms of one run", lambda p: _range(_measured_ranges(p), "p95")),
        ("by the model", lambda p: _range(_model_ranges(p), "p95")),
        ("true: p95 ms of all runs", lambda p: _pooled(p, "p95")),
    ]
    if any(point.as_reported and point.as_reported.misranked for point in results.points):
        columns += [
            (f"runs that rank p50{against} the other way round", lambda p: _misranked(p, "p50")),
            ("and p95", lambda p: _misranked(p, "p95")),
        ]
    return _table("What each run alone would have claimed: lowest to highest", columns, results, results.points)


def _table(title: str, columns: Sequence[_Column], results: Results, points: Sequence[Point]) -> Table:
    rows = [(Cell(_name(results, point)), *(read(point) for _, read in columns)) for point in points]
    return Table(title, ("Transport", *(name for name, _ in columns)), tuple(rows))


def _name(results: Results, point: Point) -> str:
    return point_name(results.label(point.transport), point.parameters, results.summary.varied)


def _polled(results: Results) -> list[Point]:
    polling = {style.name for style in results.transports if style.polling}
    return [point for point in results.points if point.transport in polling]


def _any(results: Results, parameter: str, *, value: object) -> bool:
    return any(point.parameters.get(parameter) == value for point in results.points)


def _answers(point: Point) -> Answers | None:
    return None if point.as_reported is None else point.as_reported.answer_ms


def _answer_mean_ms(point: Point) -> float | None:
    answers = _answers(point)
    return None if answers is None else answers.mean


def _measured_ranges(point: Point) -> Extremes | None:
    return None if point.as_reported is None else point.as_reported.one_run_ms


def _model_ranges(point: Point) -> Extremes | None:
    return None if point.as_reported is None else point.as_reported.one_run_model_ms


def _error(reported_ms: float | None, true_ms: float | None) -> Cell:
    if reported_ms is None or true_ms is None:
        return Cell(NOT_MEASURED)
    return Cell(f"{'+' if reported_ms > true_ms else ''}{figure(reported_ms - true_ms)}")


def _range(ranges: Extremes | None, name: Literal["p50", "p95"]) -> Cell:
    if ranges is None:
        return Cell(NOT_MEASURED)
    low, high = ranges.p50 if name == "p50" else ranges.p95
    return Cell(f"{figure(low)} to {figure(high)}")


def _pooled(point: Point, name: str) -> Cell:
    value, ci95 = latency_statistic(point, name)
    return Cell(figure(value), interval(ci95))


def _misranked(point: Point, name: Literal["p50", "p95"]) -> Cell:
    found = None if point.as_reported is None else point.as_reported.misranked
    blocks = None if found is None else found.p50 if name == "p50" else found.p95
    if found is None or blocks is None:
        return Cell(NOT_MEASURED)
    return Cell(f"{count(blocks)} of {count(found.blocks)}")
