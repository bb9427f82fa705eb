"""A machine measures one thing at a time, and a lock is never left over."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from contract.errors import UserError
from loadtests.run.measurement_lock import LOCK_NAME, one_at_a_time
from system.processes import PROJECT_FOLDER

HOLD = (
    "from loadtests.run.measurement_lock import one_at_a_time\nwith one_at_a_time(): print('held', flush=True); input()"
)


@pytest.fixture(autouse=True)
def lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path / LOCK_NAME


@contextmanager
def held_by_another() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD], cwd=PROJECT_FOLDER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


def test_a_second_measurement_is_refused_while_the_first_goes_on() -> None:
    with held_by_another() as process:
        with pytest.raises(UserError, match=rf"\(process {process.pid}\).*expected one at a time"), one_at_a_time():
            raise AssertionError("two at a time")
        process.send_signal(signal.SIGKILL)
        process.wait()
        with one_at_a_time():
            pass


def test_one_after_the_other_goes(lock: Path) -> None:
    for _ in range(2):
        with one_at_a_time():
            assert lock.read_text() == f"{os.getpid()}\n"
    assert stat.S_IMODE(lock.stat().st_mode) == 0o666


def test_a_longer_id_of_an_earlier_process_leaves_nothing(lock: Path) -> None:
    lock.write_text("9" * 19)
    with one_at_a_time():
        assert lock.read_text() == f"{os.getpid()}\n"


def test_a_link_in_its_place_is_not_followed(lock: Path, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("kept")
    lock.symlink_to(precious)
    with one_at_a_time():
        pass
    assert precious.read_text() == "kept"


def test_where_nothing_can_be_locked_it_goes_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    with one_at_a_time():
        pass


@pytest.mark.parametrize("command", [["loadtests", "run", "quick"], ["benchmarks.peers"]])
def test_what_measures_takes_the_lock(command: list[str]) -> None:
    with held_by_another():
        ran = subprocess.run(
            [sys.executable, "-m", *command], cwd=PROJECT_FOLDER, capture_output=True, text=True, check=False
        )
    assert ran.returncode == 2
    assert ran.stderr.startswith("error: another measurement is running on this machine (process ")
    assert ran.stderr.count("\n") == 1
