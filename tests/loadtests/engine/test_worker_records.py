"""The records of workers are sent whole, and joined on the clock of the trial."""

from __future__ import annotations

from array import array
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.errors import UserError
from contract.records import Clients, ClockPairs, Deliveries, LoopLag, Samples
from loadtests.clients.recorder import Recorder
from loadtests.engine import worker_records
from loadtests.engine.worker_records import (
    TABLES,
    WorkerClock,
    append_piece,
    has_records,
    index_ranges,
    judge_clock,
    merge,
    read_pieces,
    sizes_bytes,
    write_records,
)
from loadtests.server_clock import ClockReading


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


HOUR_NS = 3600 * 10**9


@given(total=st.integers(0, 10_000), parts=st.integers(1, 50))
def test_every_client_belongs_to_one_worker_and_all_have_about_as_many(total: int, parts: int) -> None:
    ranges = index_ranges(total, parts)
    assert [index for share in ranges for index in share] == list(range(total))
    sizes = [len(share) for share in ranges]
    assert len(sizes) == parts
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize(
    ("before", "after", "server_offset_ns", "same_machine", "expected"),
    [
        # One kernel, and the reading agrees within its round trip: one clock.
        ((1000, 900), (1000, 800), 0, True, WorkerClock(0, 0, -100)),
        # One kernel, but the clock is elsewhere: a time namespace.
        ((1000, -HOUR_NS), (600, -HOUR_NS + 50), 0, True, WorkerClock(-HOUR_NS, 550, 50)),
        # Another machine is never taken for the same clock.
        ((1000, 900), (1000, 900), 0, False, WorkerClock(900, 500, 0)),
        # The worse of both round trips counts, and the drift either way.
        ((1000, HOUR_NS), (3000, HOUR_NS - 70), 0, False, WorkerClock(HOUR_NS, 1570, -70)),
        # A server whose clock is not the trial's.
        ((1000, HOUR_NS), (1000, HOUR_NS), HOUR_NS - 5, True, WorkerClock(5, 500, 0)),
        # A worker that died was not asked again.
        ((1000, HOUR_NS), None, 0, False, WorkerClock(HOUR_NS, 500, None)),
    ],
)
def test_a_clock_is_judged_by_its_readings(
    before: tuple[int, int],
    after: tuple[int, int] | None,
    server_offset_ns: int,
    same_machine: bool,
    expected: WorkerClock,
) -> None:
    second = None if after is None else ClockReading(*after)
    assert judge_clock(ClockReading(*before), second, server_offset_ns, same_machine=same_machine) == expected


def received_records(folder: Path, client: int) -> Path:
    """The records of a worker with one client."""
    recorder = Recorder()
    recorder.deliveries.extend((client, 1, 1100, 1200, 0, 300 + client, 1))
    recorder.clients.extend((client, 0, 11, 12, 0))
    recorder.clock.extend((10 + client, 20, 1))
    samples = array("q", (5, 1, 1000, 2000, 900, 0, 7, 0, 6, 1, 1001, 2000, 901, 30, 8, 40))
    folder.mkdir()
    write_records(folder, recorder, samples)
    return folder


def test_records_of_all_workers_become_one_table_and_say_whose_they_are(tmp_path: Path) -> None:
    folders = [(index, received_records(tmp_path / str(index), client)) for index, client in ((0, 0), (2, 7))]
    tables = {type(table): table for table in merge(folders, server_offset_ns=1000)}
    deliveries, clients, clock = tables[Deliveries], tables[Clients], tables[ClockPairs]
    samples = tables[Samples]
    assert isinstance(deliveries, Deliveries)
    assert isinstance(clients, Clients)
    assert isinstance(clock, ClockPairs)
    assert isinstance(samples, Samples)
    assert deliveries.client.tolist() == clients.client.tolist() == [0, 7]
    assert deliveries.due_ns.tolist() == [100, 100], "what the server stamped is on the trial's clock"
    assert deliveries.published_ns.tolist() == [200, 200]
    assert deliveries.user_ns.tolist() == [300, 307], "what a worker stamped stays as it is"
    assert clock.monotonic_ns.tolist() == [10, 17]
    assert clock.worker.tolist() == [0, 2]
    assert samples.worker.tolist() == [0, 0, 2, 2]
    assert samples.core_busy_ns.tolist() == [900, 901, 900, 901]
    assert samples.stolen_ns.tolist() == [0, 30, 0, 30]
    assert samples.waited_ns.tolist() == [7, 8, 7, 8]
    assert samples.throttled_ns.tolist() == [0, 40, 0, 40]


def test_without_any_records_the_tables_are_empty() -> None:
    tables = merge([], server_offset_ns=0)
    assert {type(table) for table in tables} == set(TABLES)
    assert [len(table) for table in tables] == [0] * len(TABLES)


@settings(max_examples=50)
@given(
    files=st.dictionaries(st.sampled_from([table.FILE for table in TABLES]), st.binary(max_size=400)),
    server_offset_ns=st.integers(-(2**62), 2**62),
)
def test_whatever_a_worker_sends_is_records_or_one_sentence(
    files: dict[str, bytes], server_offset_ns: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = received_records(tmp_path_factory.mktemp("sent") / "received-0", client=1)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    if not files:
        assert [len(table) for table in merge([(0, folder)], server_offset_ns) if isinstance(table, Deliveries)] == [1]
        return
    with pytest.raises(UserError, match=r"\.npz: "):
        merge([(0, folder)], server_offset_ns)
