"""Child processes of a trial: started on their cores, observed, and ended by their id.

A child never outlives the harness: it has its own process group, so that Ctrl-C reaches only the harness, which ends
its children itself. If the harness is killed, its servers notice it (`--with-parent`), and a load process ends with its
trial; a program of the user's is then left to itself.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import psutil

from contract.errors import UserError
from system.process_environment import without_settings
from system.system_errors import system_errors

PROJECT_FOLDER = Path(__file__).parent.parent
_GRACE_S = 2.0
_PROGRAM_GRACE_S = 5.0
"""For programs that are not the harness's, as some finish their work before they end."""
_END_CHECK_S = 0.02


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
        self._start([sys.executable, *arguments], log, cores, environment)

    def _start(
        self, words: Sequence[str], log: Path, cores: tuple[int, ...] | None, environment: Mapping[str, str] | None
    ) -> None:
        self.log = log
        with log.open("ab") as stderr, system_errors("starting a process"):
            # psutil notices the end of a process at once, while subprocess checks for it every 50 ms.
            self._process = psutil.Popen(
                [*words],
                stdin=subprocess.DEVNULL,
                stdout=stderr,
                stderr=stderr,
                cwd=PROJECT_FOLDER,
                env={**without_settings(), **(environment or {})},
                start_new_session=True,
            )
        self.pid = self._process.pid
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

    def ask_to_end(self) -> None:
        """Ask the process to end, without waiting for it, so that several can end at the same time."""
        if self.exit_code is None:
            self._process.terminate()

    def stop(self) -> None:
        """Ask the process to end, and kill it if it does not do so in time."""
        if self.exit_code is None:
            self.ask_to_end()
            if self.wait(_GRACE_S) is None:
                self._process.kill()
        self._process.wait()

    def output(self) -> str:
        """Return what the process has printed so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def last_words(self) -> str:
        """Return the last line that the process printed, for an error message."""
        lines = [line.strip() for line in self.output().splitlines() if line.strip()]
        return lines[-1] if lines else "it printed nothing"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class ProgramGroup(Child):
    """A program that is not of the harness, and all processes that it starts, which end with it."""

    def __init__(self, words: Sequence[str], log: Path, cores: tuple[int, ...] | None = None) -> None:
        """Start the program in the project's folder, pinned to `cores`; UserError if the system refuses."""
        self._known: list[psutil.Process] = []
        self._asked = False
        self._start(words, log, cores, None)

    def ask_to_end(self) -> None:
        """Ask all its processes to end, once and without waiting for them."""
        if not self._asked:
            self._asked = True
            self._signal(signal.SIGTERM)

    def stop(self) -> None:
        """Ask all its processes to end, and kill those that do not do so in time."""
        self.ask_to_end()
        deadline_s = time.monotonic() + _PROGRAM_GRACE_S
        while self._running() and time.monotonic() < deadline_s:
            time.sleep(_END_CHECK_S)
        # More than once: a process may have started another just before it was killed.
        while self._running() and time.monotonic() < deadline_s + _PROGRAM_GRACE_S:
            self._signal(signal.SIGKILL)
            time.sleep(_END_CHECK_S)
        self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        for process in self._running():
            with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                process.send_signal(number)

    def _running(self) -> list[psutil.Process]:
        """Return its process group, its descendants, and those that were among these before their parent ended."""
        found = {process.pid: process for process in (*self._known, *self._group(), *self._descendants())}
        self._known = [process for process in found.values() if _is_alive(process)]
        return self._known

    def _group(self) -> Iterator[psutil.Process]:
        for process in psutil.process_iter():
            with contextlib.suppress(OSError):
                if os.getpgid(process.pid) == self.pid:
                    yield process

    def _descendants(self) -> list[psutil.Process]:
        try:
            found: list[psutil.Process] = self._process.children(recursive=True)
        except psutil.NoSuchProcess:
            return []
        return found


def _is_alive(process: psutil.Process) -> bool:
    """Return whether a process runs; one that has ended stays in the system's table until its parent has noticed."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
