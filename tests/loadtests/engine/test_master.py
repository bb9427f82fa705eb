from __future__ import annotations

import dataclasses
from array import array
from pathlib import Path
from types import SimpleNamespace

import pytest

from contract.records import LoopLag
from loadtests.clients.recorder import Recorder
from loadtests.engine import master, messages
from loadtests.engine.master import WorkerState
from loadtests.engine.messages import Identity
from loadtests.engine.worker_records import read_pieces, sizes_bytes, write_records

pytestmark = pytest.mark.clocks

SEEN = {"offset_ns": 0, "round_trip_ns": 1000}
RUNNING, MISSING = SimpleNamespace(state="running"), SimpleNamespace(state="missing")


def worker(folder: Path) -> WorkerState:
    found = WorkerState(1, Identity("1", 2, "there", "boot"), folder / "received")
    found.share = range(3, 6)
    found.receive(messages.READY, {**SEEN, "kernel_stamps": True, "tcp_info": True})
    return found


def test_a_worker_is_complete_when_it_has_finished_and_all_that_it_wrote_is_here(tmp_path: Path) -> None:
    found, own = worker(tmp_path), tmp_path / "own"
    own.mkdir()
    recorder = Recorder()
    recorder.loop_lag.extend((1, 2))
    write_records(own, recorder, array("q"))
    *pieces, last = [{"file": name, "piece": piece} for name, piece in read_pieces(own)]
    for piece in pieces:
        found.receive(messages.RECORDS, piece)
    finished: dict[str, object] = {
        **SEEN,
        "end": "complete",
        "problems": [],
        "deflated": None,
        "sizes_bytes": sizes_bytes(own),
    }
    found.receive(messages.FINISHED, finished)
    assert not found.complete, "a piece was lost on the way"
    assert found.info(gone=False).end == "behind"
    found.receive(messages.RECORDS, last)
    assert found.complete
    info = found.info(gone=False)
    assert (info.first_client, info.clients, info.end, info.drift_ns) == (3, 3, "complete", 0)
    assert LoopLag.load(found.received).lag_ns.tolist() == [2]


@pytest.mark.parametrize(("gone", "end"), [(True, "died"), (False, "behind")])
def test_who_is_not_complete_at_the_end_died_or_fell_behind(gone: bool, end: str, tmp_path: Path) -> None:
    found = worker(tmp_path)
    assert found.info(gone).end == end
    assert found.info(gone).drift_ns is None


def test_a_worker_is_gone_when_locust_has_missed_its_heartbeats_for_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = 100.0
    monkeypatch.setattr(master, "time", SimpleNamespace(monotonic=lambda: now_s))
    found = worker(tmp_path)
    assert found.gone(None)
    assert not found.gone(MISSING), "its heartbeats may only be late"
    now_s += 4.9
    assert not found.gone(MISSING)
    assert not found.gone(RUNNING), "they were"
    now_s += 0.2
    assert not found.gone(MISSING)
    now_s += 5.0
    assert found.gone(MISSING)
    assert found.silent_s == pytest.approx(10.1)


def test_only_workers_that_write_the_same_records_can_take_part() -> None:
    own = Identity.own()
    assert own.mismatch(own) is None
    assert own.same_machine(own) == bool(own.boot_id)
    assert not own.same_machine(dataclasses.replace(own, boot_id="another"))
    assert not dataclasses.replace(own, boot_id="").same_machine(dataclasses.replace(own, boot_id=""))
    other = dataclasses.replace(own, records=own.records + 1, host="lab-3")
    said = own.mismatch(other)
    assert said is not None
    assert f"the worker on lab-3 is of version {own.project} with records of version {own.records + 1}" in said
    assert "use one checkout on all machines" in said
