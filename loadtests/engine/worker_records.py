"""The tables of workers: written at the end of a trial, sent to the master as files, and joined on one clock."""

from __future__ import annotations

import dataclasses
import itertools
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from contract.records import Clients, ClockPairs, Deliveries, LoopLag, Requests, Samples, Sockets, Table
from loadtests.clients.recorder import Recorder
from loadtests.server_clock import ClockReading, uncertainty_ns

TABLES: tuple[type[Table], ...] = (Deliveries, Requests, Sockets, Clients, ClockPairs, LoopLag, Samples)
PIECE_BYTES = 4 << 20
"""Size of one message: small enough that the heartbeats between two messages are on time."""


def write_records(folder: Path, recorder: Recorder, samples: array[int]) -> None:
    """Write a worker's tables, and the resource samples of its process, into its folder."""
    for table in (*recorder.tables(), Samples.from_rows(samples, worker=0)):
        table.save(folder)


def has_records(folder: Path) -> bool:
    """Return whether a worker has written records there."""
    return any((folder / table.FILE).is_file() for table in TABLES)


def sizes_bytes(folder: Path) -> dict[str, int]:
    """Return the size of every file of a worker's records; 0 if it is missing."""
    paths = {table.FILE: folder / table.FILE for table in TABLES}
    return {name: path.stat().st_size if path.is_file() else 0 for name, path in paths.items()}


def read_pieces(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the files of a worker's records in pieces that fit a message, each with the name of its file."""
    for table in TABLES:
        with (folder / table.FILE).open("rb") as file:
            while piece := file.read(PIECE_BYTES):
                yield table.FILE, piece


def append_piece(folder: Path, name: str, piece: bytes) -> None:
    """Append a piece to its file, and create the folder for the first one; only names of tables are accepted."""
    if name not in {table.FILE for table in TABLES}:
        raise ValueError(f"{name!r}: not the file of a table")
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / name).open("ab") as file:
        file.write(piece)


def index_ranges(total: int, parts: int) -> list[range]:
    """Split 0 … total - 1 into consecutive ranges whose lengths differ by one at most."""
    edges = [total * i // parts for i in range(parts + 1)]
    return [range(first, end) for first, end in itertools.pairwise(edges)]


@dataclass(frozen=True, slots=True)
class WorkerClock:
    """The offset from a worker's CLOCK_MONOTONIC to the trial's, and its uncertainty."""

    offset_ns: int
    uncertainty_ns: int
    drift_ns: int | None


def judge_clock(
    before: ClockReading, after: ClockReading | None, server_offset_ns: int, *, same_machine: bool
) -> WorkerClock:
    """Estimate a worker's clock from its readings of the server's clock before and after the stream (None: it died).

    `server_offset_ns` is the server's clock minus the trial's, which is exact by definition: the trial's clock is the
    server's, shifted by it. A worker on the machine of a master whose clock is the server's (offset 0) has the same
    clock if its reading agrees within the round trip; in a time namespace, for one, it does not.
    """
    drift_ns = None if after is None else after.offset_ns - before.offset_ns
    if same_machine and not server_offset_ns and before.may_be_one_clock:
        return WorkerClock(0, 0, drift_ns)
    return WorkerClock(before.offset_ns - server_offset_ns, uncertainty_ns(before, after or before), drift_ns)


def merge(folders: Sequence[tuple[int, Path]], server_offset_ns: int) -> list[Table]:
    """Return the tables of a trial from those of its workers, each given by its index and the folder of its records.

    Times stay as the workers stamped them; times that the server stamped, if any, are `server_offset_ns` ahead of the
    trial's clock, and are converted to it.
    """
    merged = []
    for table in TABLES:
        parts = [_of_worker(index, table.load(folder)) for index, folder in folders] or [table.empty()]
        columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in table.column_names()}
        if table is Deliveries:
            columns["due_ns"] -= server_offset_ns
            columns["published_ns"] -= server_offset_ns
        merged.append(table(**columns))
    return merged


def _of_worker(index: int, table: Table) -> Table:
    """Return the table with the worker's index in each row, if it has a column for it."""
    if "worker" not in table.column_names():
        return table
    return dataclasses.replace(table, worker=np.full(len(table), index, dtype=np.int64))  # type: ignore[call-arg]  # tables with a column of workers alone
