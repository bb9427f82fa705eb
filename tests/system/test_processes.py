"""Child processes that the system refuses to start or to pin."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import psutil
import pytest

from contract.errors import UserError
from system.processes import Child


def test_a_process_that_the_system_does_not_start_is_told_as_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    monkeypatch.setattr("psutil.Popen", refuse)
    with pytest.raises(UserError, match=r"starting a process: Resource temporarily .*expected a higher limit of proc"):
        Child(["-c", ""], tmp_path / "log")


def test_a_process_that_cannot_be_pinned_is_told_as_that_and_not_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def refuse(pid: int, _cores: object) -> None:
        asked.append(pid)
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "sched_setaffinity", refuse, raising=False)
    with pytest.raises(UserError, match=r"pinning a process to cores 0, 1: Operation not permitted \(expected"):
        Child(["-c", "import time; time.sleep(60)"], tmp_path / "log", (0, 1))
    assert not psutil.pid_exists(asked[0])
