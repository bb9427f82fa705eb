"""The report's table of the load processes of a run that had several."""

from __future__ import annotations

from analysis.formatting import count, figure
from analysis.report.tables import Cell, Table
from analysis.summary.results import Results


def worker_table(results: Results) -> Table | None:
    """Return how well the clocks of the load processes are known, and how they ended; None for a single process."""
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
