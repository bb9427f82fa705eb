"""The tables of one worker: written at the end of its trial, and sent to the master as files."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from pathlib import Path

from contract.records import Clients, ClockPairs, Deliveries, LoopLag, Requests, Samples, Sockets, Table
from loadtests.clients.recorder import Recorder

TABLES: tuple[type[Table], ...] = (Deliveries, Requests, Sockets, Clients, ClockPairs, LoopLag, Samples)
PIECE_BYTES = 4 << 20
"""Size of one message: small enough that the heartbeats between two messages are on time."""


def write_records(folder: Path, recorder: Recorder, samples: array[int]) -> None:
    """Write all that a worker has recorded, and the resource samples of its process, into its folder."""
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
