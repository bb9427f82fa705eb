"""Child processes of a trial: started on the cores they belong to, watched, and ended by their id.

A child never outlives the harness: it is in a process group of its own, so that Ctrl-C reaches only the harness,
which ends its children itself. A killed harness is noticed by its servers (`--with-parent`), and a load process ends
with its trial.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psutil

from loadtests.records import SampleRole, Samples

PROJECT_FOLDER = Path(__file__).parent.parent
_GRACE_S = 2.0


@dataclass(frozen=True, slots=True)
class CorePlan:
    """Which cores server and load may use; None where the platform cannot pin or has a single core."""

    server: tuple[int, ...] | None
    load: tuple[int, ...] | None

    def as_json(self) -> dict[str, list[int]] | None:
        """For the records."""
        if self.server is None or self.load is None:
            return None
        return {"server": list(self.server), "load": list(self.load)}


def plan_cores() -> CorePlan:
    """One core for the server and another one for the load, the last two that this process may use.

    The relay and the harness itself stay free to run wherever there is room.
    """
    if not hasattr(os, "sched_getaffinity"):
        return CorePlan(None, None)
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        return CorePlan(None, None)
    return CorePlan((cores[-2],), (cores[-1],))


@contextmanager
def observing(observe: Callable[[], None], period_s: float) -> Iterator[None]:
    """Call `observe` every `period_s` seconds, from a thread that runs only where nothing else wants to.

    It must not disturb what it observes: drawing a progress bar at ordinary priority holds up a server or a client on
    the same core for milliseconds. It is a thread of its own because children inherit the priority of the one that
    starts them.
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
        """`python arguments…` from the project's folder, pinned to `cores` where the platform can."""
        self.log = log
        with log.open("ab") as stderr:
            # psutil's is told of the end at once, where subprocess looks for it every 50 ms.
            self._process = psutil.Popen(
                [sys.executable, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=stderr,
                stderr=stderr,
                cwd=PROJECT_FOLDER,
                env={**_inherited_environment(), **(environment or {})},
                start_new_session=True,
            )
        self.pid = self._process.pid
        if cores is not None:
            os.sched_setaffinity(self.pid, cores)

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        exit_code: int | None = self._process.poll()
        return exit_code

    def wait(self, timeout_s: float) -> int | None:
        """Its exit code, or None where it still runs after the time."""
        try:
            return self._process.wait(timeout_s)
        except psutil.TimeoutExpired:
            return None

    def ask_to_end(self) -> None:
        """Ask, and wait for nothing: several that are asked one after the other end at the same time."""
        if self.exit_code is None:
            self._process.terminate()

    def stop(self) -> None:
        """Ask it to end, wait, insist."""
        if self.exit_code is None:
            self.ask_to_end()
            if self.wait(_GRACE_S) is None:
                self._process.kill()
        self._process.wait()

    def output(self) -> str:
        """What it has printed so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def last_words(self) -> str:
        """The last line that it printed, for an error message."""
        lines = [line.strip() for line in self.output().splitlines() if line.strip()]
        return lines[-1] if lines else "it printed nothing"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _inherited_environment(source: Mapping[str, str] = os.environ) -> dict[str, str]:
    """That of the harness, but that bytecode is kept: else each trial's processes compile all that they import anew."""
    return {name: value for name, value in source.items() if name != "PYTHONDONTWRITEBYTECODE"}


class ResourceSampler:
    """CPU time and memory of a trial's processes, cumulative, a row per process and reading."""

    def __init__(self) -> None:
        self._rows = array("q")
        self._watched: list[tuple[SampleRole, int, psutil.Process, Callable[[], int]]] = []

    def watch(self, role: SampleRole, pid: int) -> None:
        """From now on, `read` includes this process."""
        process = psutil.Process(pid)
        self._watched.append((role, pid, process, _cpu_clock(pid, process)))

    def read(self) -> None:
        """One row per process that still lives."""
        for role, _, process, cpu_ns in self._watched:
            try:
                self._rows.extend((time.monotonic_ns(), role, cpu_ns(), process.memory_info().rss))
            except (psutil.NoSuchProcess, OSError):
                continue

    def table(self) -> Samples:
        """All rows so far."""
        return Samples.from_rows(self._rows)


def _cpu_clock(pid: int, process: psutil.Process) -> Callable[[], int]:
    if sys.platform.startswith("linux"):
        # The process' CPU-time clock, as clock_getcpuclockid(3) builds it: nanoseconds where /proc has only ticks.
        clock = (~pid << 3) | 2
        return lambda: time.clock_gettime_ns(clock)

    def from_ticks() -> int:
        times = process.cpu_times()
        return round((times.user + times.system) * 1e9)

    return from_ticks
