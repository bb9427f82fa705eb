"""Which folders are runs, and what is read of one that is damaged, unfinished, or of another version."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analysis.history.runs import ListedRun, UnreadRun, read_runs
from contract.records import JsonObject
from tests.analysis import made_summary as made
from tests.analysis.history.made_runs import MACHINE, write_run


def listed(results: Path) -> dict[str, ListedRun]:
    return {run.folder.name: run for run in read_runs(results) if isinstance(run, ListedRun)}


def changed(path: Path, change: Callable[[JsonObject], Any]) -> None:
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


def test_a_run_is_read_with_what_is_shown_of_it(tmp_path: Path) -> None:
    folder = write_run(tmp_path, 1, made.standard(), checkout={"commit": "1a2b", "clean": False})
    [run] = listed(tmp_path).values()
    assert (run.name, run.problem, run.usable, run.report) == (folder.name, "", True, None)
    (folder / "report.html").touch()
    assert run.report == folder / "report.html"
    assert run.summary is not None
    assert (run.summary.verdict, len(run.summary.points)) == ("WebSocket delivers in 25.2 ms.", 16)


def test_what_is_no_run_is_left_out(tmp_path: Path) -> None:
    folder = write_run(tmp_path, 1, made.standard())
    (tmp_path / "latest").symlink_to(folder.name, target_is_directory=True)
    (tmp_path / "compared").mkdir()
    (tmp_path / "README.md").write_text("no run")
    (tmp_path / "gone").symlink_to("nowhere")
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "run.json").symlink_to(folder / "run.json")
    assert [run.name for run in read_runs(tmp_path)] == [folder.name]


def test_a_run_without_a_summary_is_listed_as_not_reported(tmp_path: Path) -> None:
    folder = write_run(tmp_path, 1, None)
    (folder / "summary.json.123.partial").write_text("{")
    [run] = listed(tmp_path).values()
    assert (run.problem, run.usable, run.summary) == ("not reported yet", False, None)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "summary.json cannot be read: "),
        ('{"format": "push-vs-poll/summary", "version": 1, "points": [', "summary.json cannot be read: "),
        ('{"valid": NaN}', "summary.json cannot be read: "),
        ("[" * 100_000, "summary.json cannot be read: "),
    ],
)
def test_a_damaged_summary_is_a_problem_of_its_run_alone(tmp_path: Path, text: str, problem: str) -> None:
    whole, damaged = write_run(tmp_path, 1, made.standard()), write_run(tmp_path, 2, None)
    (damaged / "summary.json").write_text(text)
    runs = listed(tmp_path)
    assert runs[damaged.name].problem.startswith(problem)
    assert runs[damaged.name].summary is None
    assert runs[whole.name].usable


def test_a_summary_of_the_past_is_read_as_far_as_it_goes_and_one_of_the_future_is_not(tmp_path: Path) -> None:
    past, future = write_run(tmp_path, 1, made.standard()), write_run(tmp_path, 2, made.standard())

    def as_before_estimates(document: JsonObject) -> None:
        for point in document["points"]:
            for key in ("estimates", "by_block", "server_cpu_us_per_event_ci95", "intervals_withheld"):
                del point[key]

    changed(past / "summary.json", as_before_estimates)
    changed(future / "summary.json", lambda document: document.update(version=99))
    runs = listed(tmp_path)
    assert runs[past.name].usable
    assert runs[future.name].problem == "summary.json was written by a newer version of this program"


@pytest.mark.parametrize(
    "change",
    [
        lambda document: document.update(machine="a machine"),
        lambda document: document.pop("scenario"),
        lambda document: document.update(format="another"),
        lambda document: document.update(checkout={"commit": 1}),
    ],
)
def test_a_run_json_that_cannot_be_read_is_named(tmp_path: Path, change: Callable[[JsonObject], Any]) -> None:
    folder = write_run(tmp_path, 1, made.standard())
    changed(folder / "run.json", change)
    [run] = read_runs(tmp_path)
    assert isinstance(run, UnreadRun)
    assert run.name == folder.name
    assert run.problem.startswith("run.json ")


def test_a_folder_that_may_not_be_looked_into_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed, _ = write_run(tmp_path, 1, made.standard()), write_run(tmp_path, 2, made.standard())
    lstat = Path.lstat

    def may_be_looked_at(path: Path) -> os.stat_result:
        if path.parent == closed:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return lstat(path)

    monkeypatch.setattr(Path, "lstat", may_be_looked_at)
    unread, read = read_runs(tmp_path)
    assert unread == UnreadRun(closed.name, "run.json cannot be read: Permission denied")
    assert isinstance(read, ListedRun)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    folder = write_run(tmp_path, 1, None)
    os.mkfifo(folder / "summary.json")
    [run] = listed(tmp_path).values()
    assert run.problem == "not reported yet"


def test_the_kernel_and_the_memory_do_not_make_another_machine_but_the_processor_does(tmp_path: Path) -> None:
    same = {**MACHINE, "system": "Linux 6.8-new", "memory_bytes": 2**34}
    others = [
        {**MACHINE, "processor": "Another"}, {**MACHINE, "cores": 4}, {**MACHINE, "cpu_quota_cores": 1.5},
        {**MACHINE, "system": "Darwin 24"}, {**MACHINE, "architecture": "arm64"}, {**MACHINE, "usable_cores": 1},
    ]  # fmt: skip
    for day, machine in enumerate((MACHINE, same, *others), start=1):
        write_run(tmp_path, day, None, machine=machine)
    first, *runs = listed(tmp_path).values()
    assert [run.group == first.group for run in runs] == [True] + len(others) * [False]


def test_what_was_asked_of_a_run_is_part_of_its_group_and_the_seed_is_not(tmp_path: Path) -> None:
    asked: tuple[dict[str, str], ...] = (
        {"SCENARIO": "standard"}, {"SCENARIO": "a.toml", "SEED": "7"}, {"TRACE": "1"}, {"PROCESSES": "2"},
    )  # fmt: skip
    for day, each in enumerate(asked, start=1):
        write_run(tmp_path, day, None, asked=each)
    write_run(tmp_path, 9, None, target="http://127.0.0.1:1")
    groups = [run.group for run in listed(tmp_path).values()]
    assert groups[0] == groups[1]
    assert len(set(groups)) == 4
