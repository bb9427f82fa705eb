from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from contract.records import LoopLag
from loadtests.engine import messages, worker_state
from loadtests.engine.messages import Identity
from loadtests.engine.worker_state import Member

pytestmark = pytest.mark.clocks

SEEN = {"offset_ns": 0, "round_trip_ns": 1000}
RUNNING, MISSING = SimpleNamespace(state="running"), SimpleNamespace(state="missing")


def member(folder: Path) -> Member:
    made = Member(1, Identity("1", 2, "there", "boot", str(folder / "own")), folder / "received")
    made.share = range(3, 6)
    made.hear(messages.READY, {**SEEN, "kernel_stamps": True, "tcp_info": True})
    return made


def lag(*values: int) -> dict[str, bytes]:
    return {"loop_lag": np.asarray(values, dtype="<i8").tobytes()}


def sizes(made: Member) -> dict[str, int]:
    return made.rows().sizes_bytes()


def test_a_worker_is_whole_when_all_it_wrote_is_here_and_asked_again_once_for_what_is_not(tmp_path: Path) -> None:
    made = member(tmp_path)
    nothing = sizes(made)
    made.take(nothing, lag(1, 2))
    assert not made.whole
    assert made.lacks() is None, "it is not done"
    wanted = {**nothing, "loop_lag": 32}
    made.hear(messages.FINISHED, {**SEEN, "end": "complete", "problems": [], "deflated": None, "sizes": wanted})
    assert not made.whole
    assert made.lacks() == {**nothing, "loop_lag": 16}
    assert made.lacks() is None, "it has been asked"
    made.take({"loop_lag": 16}, lag(3, 4))
    assert made.whole
    info = made.info(gone=False)
    assert (info.first_client, info.clients, info.end, info.drift_ns) == (3, 3, "complete", 0)


@pytest.mark.parametrize(("gone", "end"), [(True, "died"), (False, "behind")])
def test_who_is_not_whole_at_the_end_died_or_fell_behind(gone: bool, end: str, tmp_path: Path) -> None:
    made = member(tmp_path)
    assert made.info(gone).end == end
    assert made.info(gone).drift_ns is None


def test_a_worker_is_gone_when_locust_misses_it_and_its_rows_stopped_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = member(tmp_path)
    assert made.gone(None)
    assert not made.gone(RUNNING)
    assert not made.gone(MISSING), "it has just been heard"
    monkeypatch.setattr(worker_state, "SILENCE_S", 0.0)
    assert made.gone(MISSING)
    assert not made.gone(RUNNING)


@pytest.mark.parametrize(("same_machine", "rows"), [(True, 2), (False, 1)])
def test_what_a_worker_of_this_machine_wrote_itself_is_taken_where_it_is_more(
    same_machine: bool, rows: int, tmp_path: Path
) -> None:
    made = member(tmp_path)
    made.same_machine = same_machine
    made.take(sizes(made), lag(1, 2))
    own = Path(made.identity.folder)
    own.mkdir()
    (own / "loop_lag.i64").write_bytes(lag(1, 2, 3, 4)["loop_lag"])
    table = made.rows().table("loop_lag", 1)
    assert isinstance(table, LoopLag)
    assert len(table) == rows


def test_only_workers_that_write_the_same_records_can_take_part(tmp_path: Path) -> None:
    own = Identity.own(tmp_path)
    assert own.mismatch(own) is None
    assert own.same_machine(own) == bool(own.boot_id)
    assert not own.same_machine(dataclasses.replace(own, boot_id="another"))
    assert not dataclasses.replace(own, boot_id="").same_machine(dataclasses.replace(own, boot_id=""))
    other = dataclasses.replace(own, records=own.records + 1, host="lab-3")
    said = own.mismatch(other)
    assert said is not None
    assert f"the worker on lab-3 is of version {own.project} with records of version {own.records + 1}" in said
    assert "use one checkout on all machines" in said
