"""The load processes of a run that had several: how well each one's clock was known, and how its trials ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from contract.records import TrialInfo, WorkerInfo
from contract.summary import LoadProcess


def workers_of(trials: Sequence[TrialInfo]) -> tuple[LoadProcess, ...]:
    """Return one entry per host and index, over all trials that it joined; none for a single load process."""
    found: dict[tuple[int, str], list[WorkerInfo]] = {}
    for trial in trials:
        for worker in trial.workers:
            found.setdefault((worker.index, worker.host), []).append(worker)
    return tuple(_entry(workers) for _, workers in sorted(found.items()))


def _entry(workers: Sequence[WorkerInfo]) -> LoadProcess:
    return LoadProcess(
        index=workers[0].index,
        host=workers[0].host,
        trials=len(workers),
        clients=max(worker.clients for worker in workers),
        clock_uncertainty_us=_largest_us(worker.uncertainty_ns for worker in workers),
        round_trip_us=_largest_us(worker.round_trip_ns for worker in workers),
        clock_drift_us=_largest_us(abs(worker.drift_ns) for worker in workers if worker.drift_ns is not None),
        ends=dict(Counter(worker.end for worker in workers)),
    )


def _largest_us(values_ns: Iterable[int]) -> float | None:
    largest_ns = max(values_ns, default=None)
    return None if largest_ns is None else largest_ns / 1000
