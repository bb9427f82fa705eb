from __future__ import annotations

from array import array
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.records import LoopLag
from loadtests.clients.recorder import Recorder
from loadtests.engine.spool import NewRows, Spool


def packed(*values: int) -> bytes:
    return np.asarray(values, dtype="<i8").tobytes()


def test_rows_are_taken_once() -> None:
    recorder, samples = Recorder(), array("q")
    new_rows = NewRows(recorder, samples)
    assert new_rows.take() == {}
    recorder.loop_lag.extend((1, 2))
    samples.extend((1, 1, 5, 6))
    assert new_rows.take() == {"loop_lag": packed(1, 2), "samples": packed(1, 1, 5, 6)}
    recorder.loop_lag.extend((3, 4))
    assert new_rows.take() == {"loop_lag": packed(3, 4)}
    assert new_rows.take() == {}


def test_a_row_that_was_cut_off_is_left_out_and_all_before_it_is_read(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "worker")
    spool.append({"loop_lag": packed(1, 2, 3, 4) + packed(5)[:3]})
    table = spool.table("loop_lag", worker=6)
    assert isinstance(table, LoopLag)
    assert (table.at_ns.tolist(), table.lag_ns.tolist(), table.worker.tolist()) == ([1, 3], [2, 4], [6, 6])
    assert len(spool.table("deliveries", worker=6)) == 0


@given(sent=st.lists(st.tuples(st.integers(1, 4), st.booleans()), max_size=12))
def test_a_copy_is_whole_after_what_it_lacks_was_sent_again(
    sent: list[tuple[int, bool]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    # `arrives` is false for messages that were lost with the link.
    folder = tmp_path_factory.mktemp("spools")
    own, received = Spool(folder / "own"), Spool(folder / "received")
    for rows, arrives in sent:
        offsets, data = own.sizes_bytes(), {"loop_lag": packed(*range(2 * rows))}
        own.append(data)
        if arrives:
            received.accept(offsets, data)
        prefix = received.table("loop_lag", 0)
        assert isinstance(prefix, LoopLag)
        whole = own.table("loop_lag", 0)
        assert isinstance(whole, LoopLag)
        assert prefix.at_ns.tolist() == whole.at_ns.tolist()[: len(prefix)], "a copy has no gap"
    for offsets, data in own.after(received.sizes_bytes()):
        received.accept(offsets, data)
    assert received.sizes_bytes() == own.sizes_bytes()
