"""Child processes of a trial: started on their cores, observed, and ended by their id.

A child never outlives the harness: it has its own process group, so that Ctrl-C reaches only the harness, which ends
its children itself. If the harness is killed, its servers notice it (`--with-parent`), a load process ends with its
trial, and a program that is not of the harness is ended by a guard beside it. A child has the user's environment
without the variables that configure the programs in it.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import psutil

from contract.errors import UserError, system_errors
from system.process_tree import ProcessTree

_SETTING_PREFIXES = (
    "LOCUST_",  # every option of its command line
    "GEVENT",  # another event loop or resolver, a monitoring thread
    "GREENLET_",
    "PYTHON",  # other modules, other memory allocators, debug modes, warnings as errors, bytecode that is not kept
    "PYDANTIC_",
    "UVICORN_",
    "WEBSOCKETS_",  # limits, and the names in its headers, which are bytes on the wire
)
_SETTINGS = frozenset({"WEB_CONCURRENCY", "FORWARDED_ALLOW_IPS"})
"""Settings of uvicorn without its prefix."""
_PROXY = "_PROXY"
"""HTTP_PROXY, all_proxy, …: the measured traffic uses no proxy."""


def without_settings(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the environment without variables that would configure the programs of a trial, a worker or the web UI."""
    return {name: value for name, value in environment.items() if not _is_setting(name.upper())}


def _is_setting(name: str) -> bool:
    return name.startswith(_SETTING_PREFIXES) or name in _SETTINGS or name.endswith(_PROXY)


PROJECT_FOLDER = Path(__file__).parent.parent
_GRACE_S = 2.0


@contextmanager
def observing(observe: Callable[[], None], period_s: float) -> Iterator[None]:
    """Call `observe` every `period_s` seconds, from a thread that runs only when its core is otherwise idle.

    It must not disturb what it observes: drawing a progress bar at ordinary priority delays a server or a client on the
    same core by milliseconds. It is a thread of its own because children inherit the priority of the thread that starts
    them.
    """
    over = threading.Event()

    def run() -> None:
        if hasattr(os, "SCHED_IDLE"):
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
        while not over.wait(period_s):
            observe()

    thread = threading.Thread(target=run, name="observer", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


class Child:
    """One Python process whose output goes into a log file."""

    def __init__(
        self,
        arguments: Sequence[str],
        log: Path,
        cores: tuple[int, ...] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Start `python arguments…` in the project's folder, pinned to `cores`; UserError if the system refuses."""
        self._start([sys.executable, *arguments], log, environment)
        self._pin(cores)

    def _start(self, command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None) -> None:
        self.log = log
        with log.open("ab") as stderr, system_errors("starting a process"):
            # psutil notices the end of a process at once, while subprocess checks for it every 50 ms.
            self._process = psutil.Popen(
                [*command],
                stdin=subprocess.DEVNULL,
                stdout=stderr,
                stderr=stderr,
                cwd=PROJECT_FOLDER,
                env={**without_settings(), **(environment or {})},
                start_new_session=True,
            )
        self.pid = self._process.pid

    def _pin(self, cores: tuple[int, ...] | None) -> None:
        if cores is not None:
            try:
                with system_errors(f"pinning a process to cores {', '.join(map(str, cores))}"):
                    os.sched_setaffinity(self.pid, cores)
            except UserError:
                self.stop()
                raise

    @property
    def exit_code(self) -> int | None:
        """The exit code; None while the process runs."""
        exit_code: int | None = self._process.poll()
        return exit_code

    def wait(self, timeout_s: float) -> int | None:
        """Wait for the process to end and return its exit code; None if it still runs after `timeout_s`."""
        try:
            code: int | None = self._process.wait(timeout_s)
        except psutil.TimeoutExpired:
            return None
        return code

    def terminate(self) -> None:
        """Send SIGTERM and do not wait for the end, so that several processes can end at the same time."""
        if self.exit_code is None:
            self._process.terminate()

    def stop(self) -> None:
        """Terminate the process, and kill it if it has not ended after a grace period."""
        if self.exit_code is None:
            self.terminate()
            if self.wait(_GRACE_S) is None:
                self._process.kill()
        self._process.wait()

    def output(self) -> str:
        """Return the output of the process so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def last_output(self) -> str:
        """Return the last line that the process printed, or a text that there is none, for an error message."""
        return self.last_line() or "it printed nothing"

    def last_line(self) -> str | None:
        """Return the last line that the process printed; None if it has printed none."""
        lines = [line.strip() for line in self.output().splitlines() if line.strip()]
        return lines[-1] if lines else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class ProgramGroup(Child):
    """A program that is not of the harness. It and all processes that it starts end with the harness at the latest."""

    def __init__(self, command: Sequence[str], log: Path, cores: tuple[int, ...] | None = None) -> None:
        """Start the program in the project's folder, pinned to `cores`; UserError if the system refuses."""
        self._guard = _Guard()
        try:
            self._start(command, log)
        except UserError:
            self._guard.dismiss()
            raise
        self._guard.watch(self.pid)
        self._tree = ProcessTree(self.pid)
        self._pin(cores)

    def terminate(self) -> None:
        """Send SIGTERM to all its processes, only once, and do not wait for them."""
        self._tree.terminate()

    def stop(self) -> None:
        """Terminate all its processes, and kill those that have not ended after a grace period."""
        self._tree.stop()
        self._process.wait()
        self._guard.dismiss()


class _Guard:
    """A process that ends a program if this process ends without having done so (`system.process_guard`)."""

    def __init__(self) -> None:
        with system_errors("starting a process"):
            self._process = subprocess.Popen(
                [sys.executable, "-m", "system.process_guard"],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd=PROJECT_FOLDER,
                env=without_settings(),
                start_new_session=True,
            )

    def watch(self, pid: int) -> None:
        # Without its guard, which somebody may have ended, the program is ended by this process alone.
        with contextlib.suppress(BrokenPipeError):
            assert self._process.stdin is not None
            self._process.stdin.write(b"%d\n" % pid)
            self._process.stdin.flush()

    def dismiss(self) -> None:
        self._process.kill()
        self._process.communicate()
