"""From the rows of several workers to the tables of one trial, and from their readings of the server's clock to how
far each worker's clock is from the trial's. Pure, but for reading the spools.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from contract.records import Clients, Deliveries, Table
from loadtests.engine.spool import TABLES, Spool
from loadtests.server_clock import ClockReading, uncertainty_ns


def index_ranges(total: int, parts: int) -> list[range]:
    """0 … total - 1 as consecutive ranges whose lengths differ by one at most."""
    edges = [total * i // parts for i in range(parts + 1)]
    return [range(first, end) for first, end in itertools.pairwise(edges)]


@dataclass(frozen=True, slots=True)
class WorkerClock:
    """What moves a worker's CLOCK_MONOTONIC to the trial's, and how well that is known."""

    offset_ns: int
    uncertainty_ns: int
    drift_ns: int | None


def judge_clock(
    before: ClockReading, after: ClockReading | None, server_offset_ns: int, *, same_machine: bool
) -> WorkerClock:
    """From a worker's readings of the server's clock before and after the stream; None where it died in between.

    `server_offset_ns` is the server's clock minus the trial's, which is exact by definition: the trial's clock is the
    server's, moved by it. A worker on the machine of a master whose clock is the server's (offset 0) has the same
    clock where its reading agrees within the round trip; a time namespace, for one, has not.
    """
    drift_ns = None if after is None else after.offset_ns - before.offset_ns
    if same_machine and not server_offset_ns and before.may_be_one_clock:
        return WorkerClock(0, 0, drift_ns)
    return WorkerClock(before.offset_ns - server_offset_ns, uncertainty_ns(before, after or before), drift_ns)


def merge(spools: Sequence[tuple[int, Spool]], server_offset_ns: int) -> list[Table]:
    """The tables of a trial from those of its workers, given by index.

    Times stay as the workers stamped them; what the server has stamped, if anything, is `server_offset_ns` ahead of
    the trial's clock, and is moved to it.
    """
    merged = []
    for name, table in TABLES.items():
        parts = [spool.table(name, index) for index, spool in spools]
        columns = {column: np.concatenate([getattr(part, column) for part in parts]) for column in table.column_names()}
        if table is Deliveries and server_offset_ns:
            columns["due_ns"] -= server_offset_ns
            columns["published_ns"] -= server_offset_ns
        merged.append(_last_of_each(Clients(**columns)) if table is Clients else table(**columns))
    return merged


def _last_of_each(clients: Clients) -> Clients:
    """A client is told of when it is ready, and again at the end, if its worker lives to see it."""
    _, from_behind = np.unique(clients.client[::-1], return_index=True)
    last = np.zeros(len(clients), dtype=np.bool_)
    last[len(clients) - 1 - from_behind] = True
    return clients.where(last)
