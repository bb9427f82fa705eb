"""Child processes: those that the system refuses to start or to pin, and the end of a program with all of its own."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from contract.errors import UserError
from system import process_tree
from system.processes import PROJECT_FOLDER, Child, ProgramGroup, without_settings
from tests.loadtests.run.wrapped_server import STUBBORN
from tests.running import PATIENCE_S, wait_until


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


def test_a_program_ends_with_all_that_it_has_started_whatever_that_ignores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A child that ignores SIGTERM, in a session of its own, and whose parent has ended before."""
    monkeypatch.setattr(process_tree, "_GRACE_S", 0.5)
    log = tmp_path / "log"
    start = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {STUBBORN!r}], start_new_session=True)"
    with ProgramGroup([sys.executable, "-c", f"{start}; import time; time.sleep(600)"], log) as program:
        wait_until(lambda: "deaf" in program.output())
        children = psutil.Process(program.pid).children(recursive=True)
        assert len(children) == 1
        assert os.getpgid(children[0].pid) != program.pid
        program.terminate()
        wait_until(lambda: program.exit_code is not None)
        assert children[0].is_running()
    wait_until(lambda: not children[0].is_running() or children[0].status() == psutil.STATUS_ZOMBIE)


def test_a_program_that_has_ended_takes_its_group_with_it(tmp_path: Path) -> None:
    start = f"import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', {STUBBORN!r}]).pid, flush=True)"
    with ProgramGroup([sys.executable, "-c", start], tmp_path / "log") as program:
        assert program.wait(PATIENCE_S) == 0
        wait_until(lambda: "deaf" in program.output())
        left = psutil.Process(int(program.output().split()[0]))
        assert left.is_running()
    wait_until(lambda: not left.is_running() or left.status() == psutil.STATUS_ZOMBIE)


STARTER = """
import subprocess, sys, time
from pathlib import Path
from system.processes import ProgramGroup
SLEEP = "import time; time.sleep(600)"
child = f"subprocess.Popen([sys.executable, '-c', {SLEEP!r}], start_new_session=True)"
program = f"import subprocess, sys; print({child}.pid, flush=True); {SLEEP}"
with ProgramGroup([sys.executable, "-c", program], Path(sys.argv[1])) as group:
    print(group.pid, flush=True)
    time.sleep(600)
"""


def test_a_program_ends_with_its_children_where_the_one_who_started_it_is_killed(tmp_path: Path) -> None:
    """The starter gets no chance to end anything; the child of its program is in a session of its own."""
    log = tmp_path / "log"
    with subprocess.Popen(
        [sys.executable, "-c", STARTER, log], cwd=PROJECT_FOLDER, stdout=subprocess.PIPE, text=True
    ) as starter:
        try:
            assert starter.stdout is not None
            program = psutil.Process(int(starter.stdout.readline()))
            wait_until(lambda: log.read_text().endswith("\n"))
            started = [*psutil.Process(starter.pid).children(recursive=True)]
            assert {program.pid, int(log.read_text())} < {process.pid for process in started}, "and the guard"
        finally:
            starter.kill()
    wait_until(lambda: not any(is_running(process) for process in started))


def is_running(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def test_a_guard_that_somebody_has_ended_leaves_the_program_to_its_starter(tmp_path: Path) -> None:
    with ProgramGroup([sys.executable, "-c", "import time; time.sleep(600)"], tmp_path / "log") as program:
        [guard] = [child for child in psutil.Process().children() if "system.process_guard" in child.cmdline()]
        guard.kill()
    assert program.exit_code is not None


@pytest.mark.parametrize(
    "name",
    [
        "LOCUST_RUN_TIME", "LOCUST_HEADLESS", "GEVENT_LOOP", "GEVENTARES_FLAGS", "GREENLET_USE_GC",
        "PYTHONPATH", "PYTHONSTARTUP", "PYTHONWARNINGS", "PYTHONOPTIMIZE", "PYTHONHASHSEED", "PYTHONDONTWRITEBYTECODE",
        "PYTHONSAFEPATH", "PYTHONDEVMODE", "PYTHONASYNCIODEBUG", "PYTHONMALLOC", "PYDANTIC_DISABLE_PLUGINS",
        "UVICORN_WORKERS", "WEB_CONCURRENCY", "FORWARDED_ALLOW_IPS", "WEBSOCKETS_SERVER",
        "HTTP_PROXY", "https_proxy", "ALL_PROXY", "no_proxy",
    ],
)  # fmt: skip
def test_settings_of_the_programs_within_are_left_out(name: str) -> None:
    assert without_settings({name: "1", "PATH": "/bin"}) == {"PATH": "/bin"}


def test_everything_else_stays() -> None:
    kept = dict.fromkeys(("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "PUSH_VS_POLL_TRIAL"), "x")
    assert without_settings(kept) == kept
