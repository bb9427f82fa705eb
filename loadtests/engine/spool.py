"""A worker's raw rows as a file per table, written as they come: what was received outlives the process and the link.

The files hold nothing but the rows, little-endian 64-bit integers one after the other, so a copy is any prefix, and
two copies of one worker's rows differ by their length alone.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from contract.records import (
    Clients,
    ClockPairs,
    Deliveries,
    Ints,
    LoopLag,
    Requests,
    Samples,
    Sockets,
    Table,
)
from loadtests.clients.recorder import Recorder

TABLES: dict[str, type[Table]] = {
    "deliveries": Deliveries,
    "requests": Requests,
    "sockets": Sockets,
    "clients": Clients,
    "clock": ClockPairs,
    "loop_lag": LoopLag,
    "samples": Samples,
}
_INTEGER = np.dtype("<i8")
_RESENT_BYTES = 1 << 20


class NewRows:
    """Of rows that are recorded, those that were not yet taken."""

    def __init__(self, recorder: Recorder, samples: array[int]) -> None:
        self._rows = {name: samples if name == "samples" else getattr(recorder, name) for name in TABLES}
        self._taken = dict.fromkeys(TABLES, 0)

    def take(self) -> dict[str, bytes]:
        """By table; tables without any are left out."""
        found = {}
        for name, rows in self._rows.items():
            if fresh := rows[self._taken[name] :]:
                self._taken[name] += len(fresh)
                found[name] = np.asarray(fresh, dtype=_INTEGER).tobytes()
        return found


class Spool:
    """One copy of a worker's rows, in a folder that is made when the first come."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def append(self, rows: Mapping[str, bytes]) -> None:
        """Behind what is there."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for name, data in rows.items():
            with self._path(name).open("ab") as stream:
                stream.write(data)

    def accept(self, offsets_bytes: Mapping[str, int], rows: Mapping[str, bytes]) -> None:
        """As `append`, of those alone that come next: after a gap nothing is taken until it is filled."""
        sizes = self.sizes_bytes()
        self.append({name: data for name, data in rows.items() if offsets_bytes[name] == sizes[name]})

    def sizes_bytes(self) -> dict[str, int]:
        """Of every table."""
        return {name: path.stat().st_size if (path := self._path(name)).is_file() else 0 for name in TABLES}

    def after(self, sizes_bytes: Mapping[str, int]) -> Iterator[tuple[dict[str, int], dict[str, bytes]]]:
        """Offsets and rows of all that lies behind a copy of these sizes, in pieces fit for a message."""
        for name, size_bytes in self.sizes_bytes().items():
            for offset in range(sizes_bytes[name], size_bytes, _RESENT_BYTES):
                with self._path(name).open("rb") as stream:
                    stream.seek(offset)
                    yield {name: offset}, {name: stream.read(_RESENT_BYTES)}

    def table(self, name: str, worker: int) -> Table:
        """All whole rows of a table; one that was cut off in mid-write is left out."""
        table = TABLES[name]
        constant = {"worker": worker} if "worker" in table.column_names() else {}
        width = len(table.column_names()) - len(constant)
        values = np.fromfile(self._path(name), dtype=_INTEGER) if self._path(name).is_file() else np.empty(0, np.int64)
        rows: Ints = values[: len(values) // width * width].astype(np.int64)
        return table.from_rows(rows, **constant)

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.i64"
