"""The report's tables on the certainty of its figures: noise, precision, and clients slowed on purpose."""

from __future__ import annotations

from analysis.formatting import NOT_MEASURED, count, figure, percent
from analysis.report.tables import Cell, Table, signed
from analysis.summary.results import Results
from contract.records import JsonObject


def noise_table(results: Results) -> Table | None:
    """Return how far each transport differs from itself, in this run or in the run that it is judged by."""
    floors: JsonObject | None = results.summary.get("noise_floor")
    if not floors:
        return None
    statistics = ("p50", "p95", "mean")
    rows = [
        (Cell(style.label), *(_noise(floors[style.name][f"{name}_ms"]) for name in statistics))
        for style in results.transports
        if style.name in floors
    ]
    measured_in = results.summary.get("noise_floor_from") or "this run"
    columns = ("Transport", *(f"{name} ms (largest in a block)" for name in statistics))
    return Table(f"Each transport against itself, measured in {measured_in}", columns, tuple(rows))


def precision_table(results: Results) -> Table | None:
    """Return how precisely the median of each point is known, if the scenario asks for a precision."""
    asked = [(point, found) for point in results.points if (found := point.get("precision"))]
    if not asked:
        return None
    rows = [
        (
            Cell(results.name(point), "" if found["reached"] else "NOT KNOWN"),
            Cell(figure(point["latency_ms"]["p50"])),
            Cell(f"±{figure(found['reached_ms'])}", f"({percent(found['reached_ratio'])})"),
            Cell(f"±{figure(found['asked_ms'])}"),
            Cell(count(point["trials"]), f"({count(found['trials_added'])})"),
            Cell(count(found["trials_needed"])),
        )
        for point, found in asked
    ]
    columns = ("Point", "p50 ms", "known to ms", "asked ms", "trials (added)", "trials needed")
    return Table("How well each median is known", columns, tuple(rows))


def slowed_clients_table(results: Results) -> Table | None:
    """Return clients that were slowed on purpose beside the others of the same trials."""
    asked = [(point, found) for point in results.points if (found := point.get("slowed_clients"))]
    if not asked:
        return None
    kinds = [
        (f"{title} {name} ms", key, name)
        for key, title in (("latency_ms", "latency"), ("client_delay_ms", "client delay"))
        for name in ("p50", "p99")
    ]
    columns = [column for title, _, _ in kinds for column in (f"{title}, the others", "slowed", "more by")]
    rows = [
        (
            Cell(results.name(point), f"{figure(found['delay_ms'])} ms slow"),
            *(cell for _, key, name in kinds for cell in _halves(found[key], name)),
        )
        for point, found in asked
    ]
    return Table("Every other client slowed on purpose, beside those that were not", ("Point", *columns), tuple(rows))


def _halves(found: JsonObject, name: str) -> tuple[Cell, ...]:
    more = found["difference"][name]
    bounds = more["ci95"]
    small = "" if bounds is None else f"[{signed(bounds[0])}, {signed(bounds[1])}]"
    return (
        Cell(figure(found["others"][name])),
        Cell(figure(found["slowed"][name])),
        Cell(NOT_MEASURED if more["value"] is None else signed(more["value"]), small),
    )


def _noise(found: JsonObject | None) -> Cell:
    if found is None or found["half_width"] is None:
        return Cell(NOT_MEASURED)
    return Cell(f"±{figure(found['half_width'])}", f"({figure(found['largest'])})")
