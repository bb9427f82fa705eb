"""Which earlier run's noise floor a run is judged by."""

from __future__ import annotations

import dataclasses
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from analysis.summary.earlier_runs import earlier_noise_floor
from contract.errors import UserError
from contract.records import SUMMARY_FORMAT, RunInfo, load_run_info, write_json, write_run_info
from contract.summary import load_noise_floor
from tests.analysis import made_summary as made
from tests.fabricate import SMALL, run_info

RUN = dataclasses.replace(run_info(SMALL, ()), started_at="2026-06-01T00:00:00+00:00")


def floor(half_width: float) -> dict[str, Any]:
    return {"websocket": {"p50_ms": {"half_width": half_width, "pairs": 2}, "p95_ms": None, "mean_ms": None}}


def earlier(results: Path, name: str, started_at: str, info: RunInfo = RUN, **summary: Any) -> None:
    folder = results / name
    folder.mkdir(parents=True)
    write_run_info(folder, dataclasses.replace(info, started_at=started_at))
    write_json(folder / "summary.json", SUMMARY_FORMAT, made.summary([made.point("websocket", 25.0, 0.0)], **summary))


def run_folder(results: Path) -> Path:
    folder = results / "now"
    folder.mkdir(parents=True)
    write_run_info(folder, RUN)
    return folder


def chosen(folder: Path) -> tuple[dict[str, Any], str] | None:
    return earlier_noise_floor(folder, load_run_info(folder))


def test_the_newest_that_was_measured_on_a_like_machine_is_kept(tmp_path: Path) -> None:
    elsewhere = dataclasses.replace(RUN, machine={"cores": 64})
    otherwise = dataclasses.replace(RUN, settings={"server": "another"})
    earlier(tmp_path, "z-old", "2026-01-01T00:00:00+00:00", noise_floor=floor(1.0))
    earlier(tmp_path, "b-newest", "2026-03-01T00:00:00+00:00", noise_floor=floor(2.0))
    earlier(tmp_path, "c-adopted", "2026-04-01T00:00:00+00:00", noise_floor=floor(3.0), noise_floor_from="z-old")
    earlier(tmp_path, "d-invalid", "2026-04-01T00:00:00+00:00", noise_floor=floor(4.0), valid=False)
    earlier(tmp_path, "e-elsewhere", "2026-04-01T00:00:00+00:00", elsewhere, noise_floor=floor(5.0))
    earlier(tmp_path, "f-otherwise", "2026-04-01T00:00:00+00:00", otherwise, noise_floor=floor(6.0))
    earlier(tmp_path, "g-other-run", "2026-04-01T00:00:00+00:00")
    earlier(tmp_path, "h-later", "2026-06-01T00:00:01+00:00", noise_floor=floor(7.0))
    (tmp_path / "latest").symlink_to("e-elsewhere", target_is_directory=True)
    (tmp_path / "notes.txt").write_text("")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "summary.json").write_text("no")
    folder = run_folder(tmp_path)
    assert chosen(folder) == load_noise_floor(folder) == (floor(2.0), "b-newest")


def test_what_was_chosen_once_is_kept(tmp_path: Path) -> None:
    earlier(tmp_path, "a-old", "2026-01-01T00:00:00+00:00", noise_floor=floor(1.0))
    folder = run_folder(tmp_path)
    assert chosen(folder) == (floor(1.0), "a-old")
    earlier(tmp_path, "b-reported-since", "2026-02-01T00:00:00+00:00", noise_floor=floor(2.0))
    shutil.rmtree(tmp_path / "a-old")
    assert chosen(folder) == (floor(1.0), "a-old")


def test_without_one_there_is_none(tmp_path: Path) -> None:
    earlier(tmp_path, "g-other-run", "2026-04-01T00:00:00+00:00")
    folder = run_folder(tmp_path)
    assert chosen(folder) is None
    assert not (folder / "noise.json").exists()


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"noise_floor": {}}, "noise_floor_from: Field required"),
        ({"noise_floor": {"websocket": {}}, "noise_floor_from": "x"}, "noise_floor.websocket.p50_ms: Field required"),
        (
            {"noise_floor": floor(1.0) | {"sse": 5}, "noise_floor_from": "x"},
            "noise_floor.sse: Input should be an object, not 5",
        ),
        (
            {"noise_floor": floor(1e300), "noise_floor_from": "x"},
            "half_width: Input should be less than or equal to 10*, not 1e.300",
        ),
    ],
)
def test_a_broken_one_is_told(tmp_path: Path, fields: dict[str, Any], complaint: str) -> None:
    write_json(tmp_path / "noise.json", "push-vs-poll/noise", fields)
    with pytest.raises(UserError, match=complaint):
        load_noise_floor(tmp_path)


def test_a_folder_whose_name_is_no_text_is_named_all_the_same(tmp_path: Path) -> None:
    try:
        earlier(tmp_path, os.fsdecode(b"noisy-\xff"), "2026-01-01T00:00:00+00:00", noise_floor=floor(1.0))
    except OSError as error:
        pytest.skip(f"this file system has no such names: {error}")
    assert chosen(run_folder(tmp_path)) == (floor(1.0), r"noisy-\udcff")


@pytest.mark.parametrize("method", ["is_file", "iterdir"])
def test_what_another_user_keeps_to_himself_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    earlier(tmp_path, "private", "2026-03-01T00:00:00+00:00", noise_floor=floor(1.0))
    folder = run_folder(tmp_path)
    allowed = getattr(Path, method)

    def refuse(path: Path) -> Any:
        if path.name == "private" or path.parent.name == "private" or path == tmp_path:
            raise PermissionError
        return allowed(path)

    monkeypatch.setattr(Path, method, refuse)
    assert chosen(folder) is None
