from __future__ import annotations

from array import array
from pathlib import Path

import pytest

from contract.records import Deliveries, LoopLag, Samples
from loadtests.clients.recorder import Recorder
from loadtests.engine import worker_records
from loadtests.engine.worker_records import TABLES, append_piece, has_records, read_pieces, sizes_bytes, write_records


def recorded() -> tuple[Recorder, array[int]]:
    recorder = Recorder()
    recorder.deliveries.extend((7, 6, 5, 4, 3, 2, 1))
    recorder.loop_lag.extend((1, 2, 3, 4))
    return recorder, array("q", (5, 1, 1000, 2000, 900, 0, 7, 0))


def test_records_sent_in_pieces_are_the_same_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_records, "PIECE_BYTES", 100)
    own, received = tmp_path, tmp_path / "received"
    assert not has_records(own)
    write_records(own, *recorded())
    assert has_records(own)
    pieces = list(read_pieces(own))
    assert len(pieces) > len(TABLES)
    for name, piece in pieces[:-1]:
        append_piece(received, name, piece)
    assert sizes_bytes(received) != sizes_bytes(own), "one piece is missing"
    append_piece(received, *pieces[-1])
    assert sizes_bytes(received) == sizes_bytes(own)
    assert Deliveries.load(received).seq.tolist() == [6]
    assert LoopLag.load(received).lag_ns.tolist() == [2, 4]
    assert Samples.load(received).waited_ns.tolist() == [7]


def test_only_files_of_tables_are_accepted(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not the file of a table"):
        append_piece(tmp_path, "../trial.json", b"{}")
    assert list(tmp_path.iterdir()) == []
