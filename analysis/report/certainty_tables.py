"""The report's tables on the certainty of its figures: noise, precision, and the clocks of several load processes."""

from __future__ import annotations

from analysis.formatting import NOT_MEASURED, count, figure, percent
from analysis.report.tables import Cell, Table
from analysis.summary.results import Results
from contract.summary import NoiseDifference


def noise_table(results: Results) -> Table | None:
    """Return the noise floor of each transport, from this run or an earlier one; None without one."""
    floors = results.summary.noise_floor
    if not floors:
        return None
    rows = [
        (Cell(style.label), *map(_noise, floors[style.name].differences_ms.values()))
        for style in results.transports
        if style.name in floors
    ]
    measured_in = results.summary.noise_floor_from or "this run"
    columns = ("Transport", *(f"{name} ms (largest in a block)" for name in ("p50", "p95", "mean")))
    return Table(f"Each transport against itself, measured in {measured_in}", columns, tuple(rows))


def precision_table(results: Results) -> Table | None:
    """Return the precision of each point's median, if the scenario asks for one."""
    points = [(point, found) for point in results.points if (found := point.precision)]
    if not points:
        return None
    rows = [
        (
            Cell(results.name(point), "" if found.reached else "NOT KNOWN"),
            Cell(figure(point.latency_ms.p50)),
            Cell(f"±{figure(found.reached_ms)}", f"({percent(found.reached_ratio)})"),
            Cell(f"±{figure(found.asked_ms)}"),
            Cell(count(point.trials), f"({count(found.trials_added)})"),
            Cell(count(found.trials_needed)),
        )
        for point, found in points
    ]
    columns = ("Point", "p50 ms", "known to ms", "asked ms", "trials (added)", "trials needed")
    return Table("How well each median is known", columns, tuple(rows))


def _noise(found: NoiseDifference | None) -> Cell:
    if found is None or found.half_width is None:
        return Cell(NOT_MEASURED)
    return Cell(f"±{figure(found.half_width)}", f"({figure(found.largest)})")


def worker_table(results: Results) -> Table | None:
    """Return the load processes with the uncertainty of their clocks and their ends; None for a single process."""
    rows = [
        (
            Cell(f"{worker.index} on {worker.host}"),
            Cell(count(worker.clients)),
            Cell("one clock" if not worker.clock_uncertainty_us else f"±{figure(worker.clock_uncertainty_us)}"),
            Cell(figure(worker.round_trip_us)),
            Cell(figure(worker.clock_drift_us)),
            Cell(", ".join(f"{end} {times}" for end, times in worker.ends.items())),
        )
        for worker in results.summary.workers
    ]
    columns = ("Worker", "clients", "clock known to µs", "round trip µs", "clock moved by µs", "ends by trials")
    return (
        Table("Load processes, and their clocks against the server's (the worst of their trials)", columns, tuple(rows))
        if rows
        else None
    )
