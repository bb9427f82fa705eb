from __future__ import annotations

import dataclasses
import json
from array import array
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.errors import UserError
from contract.records import (
    RUN_FORMAT,
    TRIAL_FORMAT,
    ClockPairs,
    Deliveries,
    Samples,
    Trial,
    Written,
    as_document,
    finished_trial_folders,
    load_run_info,
    read_json,
    version_of,
    write_json,
)
from tests.fabricate import SMALL, first_trial, run_info

TIME_NS = st.integers(-(2**62), 2**62)
ROW = st.tuples(st.integers(0, 10**6), st.integers(-(2**63), 2**63 - 1), *[TIME_NS] * 4, st.integers(0, 1))


@given(rows=st.lists(ROW, max_size=20))
def test_rows_become_columns_and_survive_the_disk(
    rows: list[tuple[int, ...]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    table = Deliveries.from_rows([value for row in rows for value in row])
    folder = tmp_path_factory.mktemp("table")
    table.save(folder)
    loaded = Deliveries.load(folder)
    assert len(loaded) == len(rows)
    for i, name in enumerate(Deliveries.column_names()):
        assert getattr(loaded, name).tolist() == [row[i] for row in rows]
    assert [path.name for path in folder.iterdir()] == ["deliveries.npz"]


def test_rows_that_miss_a_column_are_refused() -> None:
    with pytest.raises(ValueError, match="reshape"):
        Deliveries.from_rows([1, 2, 3])


def test_a_recorder_may_go_on_while_a_table_of_it_is_in_use() -> None:
    rows = array("q", range(7))
    table = Deliveries.from_rows(rows)
    rows.extend(range(7))
    assert table.seq.tolist() == [1]


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04broken"])
def test_a_damaged_table_is_one_sentence(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "deliveries.npz").write_bytes(content)
    with pytest.raises(UserError, match=r"deliveries\.npz: cannot be read as a deliveries table"):
        Deliveries.load(tmp_path)


def test_a_column_that_an_older_file_lacks_is_zero_and_any_other_is_an_error(tmp_path: Path) -> None:
    columns: dict[str, Any] = {name: np.arange(3) for name in Samples.column_names()}
    for name in Samples.ADDED_LATER:
        del columns[name]
    np.savez(tmp_path / Samples.FILE, **columns)
    found = Samples.load(tmp_path)
    assert found.cpu_ns.tolist() == [0, 1, 2]
    assert found.stolen_ns.tolist() == found.throttled_ns.tolist() == found.worker.tolist() == [0, 0, 0]
    del columns["cpu_ns"]
    np.savez(tmp_path / Samples.FILE, **columns)
    with pytest.raises(UserError, match="cannot be read as a samples table"):
        Samples.load(tmp_path)


def test_kernel_stamps_move_to_the_monotonic_clock_and_absent_ones_stay_absent() -> None:
    # The realtime clock gains 1000 ns per second on the monotonic one.
    pairs = ClockPairs.from_rows([0, 10**18, 50, 10**9, 10**18 + 10**9 + 1000, 50], worker=0)
    stamps = np.array([10**18, 10**18 + 5 * 10**8 + 500, 0, 10**18 + 10**9 + 1000])
    assert pairs.to_monotonic(stamps).tolist() == [0, 5 * 10**8, 0, 10**9]


def test_a_newer_version_is_refused_and_a_foreign_file_too(tmp_path: Path) -> None:
    path = tmp_path / "trial.json"
    write_json(path, TRIAL_FORMAT, {"index": 1})
    assert read_json(path, TRIAL_FORMAT) == {"index": 1}
    path.write_text(json.dumps({"format": TRIAL_FORMAT, "version": version_of(TRIAL_FORMAT) + 1}))
    with pytest.raises(UserError, match=r"version 3 .* is newer"):
        read_json(path, TRIAL_FORMAT)
    path.write_text("{}")
    with pytest.raises(UserError, match="not a push-vs-poll/trial file"):
        read_json(path, TRIAL_FORMAT)
    path.write_text("{")
    with pytest.raises(UserError, match="cannot be read"):
        read_json(path, TRIAL_FORMAT)


def test_an_error_in_writing_names_the_file_and_no_temporary_one(tmp_path: Path) -> None:
    path = tmp_path / "no" / "trial.json"
    with pytest.raises(FileNotFoundError) as raised:
        write_json(path, TRIAL_FORMAT, {"index": 1})
    assert raised.value.filename == str(path)


def test_parameters_of_earlier_versions_are_read_by_their_present_names(tmp_path: Path) -> None:
    path = tmp_path / "trial.json"
    write_json(path, TRIAL_FORMAT, {"parameters": {"clients": 5, "workers": 2}, "workers": [{"index": 0}]})
    assert read_json(path, TRIAL_FORMAT) == {
        "parameters": {"clients": 5, "server_processes": 2},
        "workers": [{"index": 0}],
    }


def test_a_folder_that_is_no_run_says_so(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="not a run folder"):
        load_run_info(tmp_path)
    assert finished_trial_folders(tmp_path) == []


def test_a_run_whose_scenario_stated_the_seed_was_given_it(tmp_path: Path) -> None:
    run = run_info(SMALL, SMALL.plan())
    fields = {key: value for key, value in as_document(run).items() if key not in ("seed", "asked")}
    earlier = {**fields, "scenario": {**run.scenario, "seed": 40}}
    write_json(tmp_path / "run.json", RUN_FORMAT, earlier)
    read = load_run_info(tmp_path)
    assert read == dataclasses.replace(run, seed=40, asked={"SEED": "40"})
    write_json(tmp_path / "run.json", RUN_FORMAT, fields)
    with pytest.raises(UserError, match=r"run\.json: lacks seed"):
        load_run_info(tmp_path)


def test_a_trial_is_whole_with_and_without_the_servers_trace(tmp_path: Path) -> None:
    _, trial = first_trial("websocket")
    trial.save(tmp_path / "plain")
    assert not (tmp_path / "plain" / "written.npz").exists()
    assert Trial.load(tmp_path / "plain").written is None
    rows = [0, 1, 10**9, 5, 2, 2 * 10**9]
    dataclasses.replace(trial, written=Written.from_rows(rows)).save(tmp_path / "traced")
    written = Trial.load(tmp_path / "traced").written
    assert written is not None
    assert (written.client.tolist(), written.seq.tolist()) == ([0, 5], [1, 2])
    assert written.written_ns.tolist() == [10**9, 2 * 10**9]
