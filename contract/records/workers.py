"""The load processes of a trial that had several: their clients, their clocks and how each ended. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from contract.records.tables import Ints, SampleRole, Table, is_time
from contract.times import NO_TIME_NS

if TYPE_CHECKING:
    from contract.records.run_folder import Trial

COMPLETE = "complete"
WORKER_ENDS = {
    "died": "died in mid-trial",
    "behind": "had not finished when the trial's time was over",
    "late": "joined after the trial had begun and took no part in it",
}
"""The meaning of a worker's `end`, other than `complete`."""

_CLIENT_TIMES = {
    "deliveries": ("user_ns",),
    "requests": ("planned_ns", "start_ns", "end_ns"),
    "sockets": ("at_ns",),
    "clients": ("connect_start_ns", "ready_ns"),
}
_WORKER_TIMES = {"clock": ("monotonic_ns",), "loop_lag": ("at_ns",), "samples": ("at_ns",)}
_STAMPED_BY_SENDER = ("due_ns", "published_ns")
_T = TypeVar("_T", bound=Table)


@dataclass(frozen=True)
class WorkerInfo:
    """One load process (a Locust worker) of a trial; its clients are numbered without gaps."""

    index: int
    host: str
    first_client: int
    clients: int
    """The number of its clients: 0 for a worker that joined too late."""
    offset_ns: int
    """Added to a time of its CLOCK_MONOTONIC, it gives the trial's time; measured before the stream, 0 for the same
    clock."""
    uncertainty_ns: int
    """Uncertainty of the offset: half of the smallest round trip of the measurement, and the drift; 0: the same clock.
    """
    round_trip_ns: int
    """The smallest round trip of the measurement."""
    drift_ns: int | None
    """How far the offset had changed at the end of the trial; None if it was not measured again."""
    end: str
    """`complete`, or a key of WORKER_ENDS. A worker that is not complete has no records in the trial."""

    @property
    def name(self) -> str:
        """The worker's name in messages."""
        return f"worker {self.index} on {self.host}"


def worker_of_clients(workers: Sequence[WorkerInfo], client: Ints) -> Ints:
    """Return the index of each client's worker; 0 if the trial had a single load process."""
    with_clients = [worker for worker in workers if worker.clients]
    if len(with_clients) < 2:
        return np.full(len(client), with_clients[0].index if with_clients else 0, dtype=np.int64)
    firsts = np.asarray([worker.first_client for worker in with_clients], dtype=np.int64)
    indices = np.asarray([worker.index for worker in with_clients], dtype=np.int64)
    return np.asarray(indices[np.searchsorted(firsts, client, "right") - 1], dtype=np.int64)


def on_one_clock(trial: Trial) -> dict[str, Any]:
    """Return the tables with times on workers' own clocks, converted to the trial's clock, by field name.

    Missing times stay missing. Times that a server stamped are on the trial's clock already; clients that send stamp
    their own events.
    """
    offsets_ns = np.zeros(max((worker.index for worker in trial.info.workers), default=0) + 1, dtype=np.int64)
    for worker in trial.info.workers:
        offsets_ns[worker.index] = worker.offset_ns
    if not offsets_ns.any():
        return {}
    converted: dict[str, Any] = {}
    for name, columns in _CLIENT_TIMES.items():
        table = getattr(trial, name)
        stamped = name == "deliveries" and trial.info.capabilities.get("clients_stamp")
        own = (*columns, *_STAMPED_BY_SENDER) if stamped else columns
        converted[name] = _shift_times(table, own, offsets_ns[worker_of_clients(trial.info.workers, table.client)])
    for name, columns in _WORKER_TIMES.items():
        table = getattr(trial, name)
        by_row_ns = offsets_ns[table.worker]
        if name == "samples":
            by_row_ns = np.where(table.role == SampleRole.LOAD, by_row_ns, 0)
        converted[name] = _shift_times(table, columns, by_row_ns)
    return converted


def _shift_times(table: _T, columns: Sequence[str], offset_ns: Ints) -> _T:
    values = {name: getattr(table, name) for name in table.column_names()}
    for name in columns:
        values[name] = np.where(is_time(values[name]), values[name] + offset_ns, NO_TIME_NS)
    return type(table)(**values)
