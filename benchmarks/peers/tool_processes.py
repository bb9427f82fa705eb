"""The processes of a tool: run on its core, their CPU time read together, and all of them ended."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psutil

from benchmarks.peers.tool import Launch
from system.process_tree import ProcessTree
from system.processes import without_settings


@dataclass(frozen=True, slots=True)
class CpuReading:
    """User and system CPU time of each process of a tree at one moment."""

    at_ns: int
    used_ns: dict[int, int]
    """CPU time by process id."""

    def since(self, earlier: CpuReading) -> int:
        """Return the CPU time in ns since the earlier reading; all of it for processes started meanwhile."""
        return sum(used_ns - earlier.used_ns.get(pid, 0) for pid, used_ns in self.used_ns.items())

    def gone_since(self, earlier: CpuReading) -> int:
        """Return how many processes ended in between, whose time is not in `since`."""
        return len(earlier.used_ns.keys() - self.used_ns.keys())


class ToolProcesses:
    """A command and its descendants; on leaving the context, all of them are ended."""

    def __init__(self, launch: Launch, log: Path, folder: Path, cores: tuple[int, ...] | None) -> None:
        """Start it in `folder`, with its output in `log`, on `cores` if the platform can pin."""
        self._log = log
        self._stop_signal = launch.stop_signal
        with log.open("wb") as output, _pinned(cores):
            self._process = subprocess.Popen(
                launch.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env={**without_settings(), **launch.environment},
                start_new_session=True,
            )
        self._tree = ProcessTree(self._process.pid)

    @property
    def exit_code(self) -> int | None:
        """The exit code of the first process; None while it runs."""
        return self._process.poll()

    def cpu(self) -> CpuReading:
        """Return the CPU time of every process that is alive."""
        used_ns: dict[int, int] = {}
        for process in self._members():
            with contextlib.suppress(psutil.NoSuchProcess, OSError):
                used_ns[process.pid] = _cpu_ns(process)
        return CpuReading(time.monotonic_ns(), used_ns)

    def finish(self, patience_s: float) -> bool:
        """Wait for it to end, after the stop signal if it has one; return False if it does not end in time."""
        if self._stop_signal is not None and self.exit_code is None:
            self._process.send_signal(self._stop_signal)
        try:
            self._process.wait(patience_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def output(self) -> str:
        """Return what it has printed so far."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def last_output(self) -> str:
        """Return the last line that it printed, for an error message."""
        lines = [line.strip() for line in self.output().splitlines() if line.strip()]
        return lines[-1] if lines else "it printed nothing"

    def _members(self) -> list[psutil.Process]:
        try:
            first = psutil.Process(self._process.pid)
            return [first, *first.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._tree.stop()
        self._process.wait()


@contextlib.contextmanager
def _pinned(cores: tuple[int, ...] | None) -> Iterator[None]:
    """Pin this thread to `cores` while a child is started, which inherits that from its first instruction."""
    if cores is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _cpu_ns(process: psutil.Process) -> int:
    if sys.platform.startswith("linux"):
        # The process' CPU-time clock, as clock_getcpuclockid(3) builds it: nanoseconds where /proc has only ticks.
        return time.clock_gettime_ns((~process.pid << 3) | 2)
    times = process.cpu_times()
    return round((times.user + times.system) * 1e9)
