"""A fabricated trial as several load processes would have recorded it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np

from contract.records import COMPLETE, Ints, Table, Trial, WorkerInfo, worker_of_clients
from loadtests.engine.worker_records import index_ranges

_CLIENT_TIMES = {
    "requests": ("planned_ns", "start_ns", "end_ns"),
    "sockets": ("at_ns",),
    "clients": ("connect_start_ns", "ready_ns"),
}
_T = TypeVar("_T", bound=Table)


def by_workers(
    trial: Trial, offsets_ns: Sequence[int], uncertainty_ns: int = 0, ends: Sequence[str] | None = None
) -> Trial:
    """The trial's clients shared by workers whose clocks are `offsets_ns` behind the trial's, stamps as they took them.

    Those that did not see the end (`ends`) are marked, and nothing else is changed.
    """
    shares = index_ranges(trial.info.parameters.clients, len(offsets_ns))
    workers = tuple(
        WorkerInfo(i, "host", share.start, len(share), offset_ns, uncertainty_ns, 2 * uncertainty_ns, 0, end)
        for i, (share, offset_ns, end) in enumerate(
            zip(shares, offsets_ns, ends or [COMPLETE] * len(offsets_ns), strict=True)
        )
    )
    by_worker_ns = np.asarray(offsets_ns, dtype=np.int64)
    stamped: tuple[str, ...] = ("user_ns",)
    if trial.info.capabilities.get("clients_stamp"):
        stamped = (*stamped, "due_ns", "published_ns")
    moved: dict[str, Any] = {
        name: _back(table, columns, by_worker_ns[worker_of_clients(workers, table.client)])
        for name, columns in {**_CLIENT_TIMES, "deliveries": stamped}.items()
        for table in [getattr(trial, name)]
    }
    for name, column in (("clock", "monotonic_ns"), ("loop_lag", "at_ns")):
        own = [
            _back(dataclasses.replace(table, worker=np.full(len(table), i)), (column,), np.full(len(table), offset_ns))
            for table in [getattr(trial, name)]
            for i, offset_ns in enumerate(offsets_ns)
        ]
        moved[name] = own[0]
        for table in own[1:]:
            moved[name] = moved[name].followed_by(table)
    info = dataclasses.replace(trial.info, workers=workers)
    return dataclasses.replace(trial, info=info, **moved)


def _back(table: _T, columns: Sequence[str], offset_ns: Ints) -> _T:
    values = {name: getattr(table, name) for name in table.column_names()}
    for name in columns:
        values[name] = np.where(values[name] == 0, 0, values[name] - offset_ns)
    return type(table)(**values)
