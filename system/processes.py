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
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
import psutil

from contract.records import SampleRole, Samples, UserError
from system.cpu_quota import quota_cores, throttling_reader
from system.host_addresses import bound_socket
from system.process_environment import without_settings
from system.stolen_time import CoreTimes, core_times_reader, waited_ns
from system.system_errors import system_errors

PROJECT_FOLDER = Path(__file__).parent.parent
_GRACE_S = 2.0
_EDGE_LOOK_PERIOD_S = 0.03
"""Shorter than the time from posting a stream to its start, so that no end of its window can be missed."""


@dataclass(frozen=True, slots=True)
class CorePlan:
    """The cores that the server, and the load with the relay, are pinned to; None if they are not pinned."""

    server: tuple[int, ...] | None
    load: tuple[int, ...] | None

    def for_workers(self, workers: int) -> Self:
        """The same with a core for each process of the server, as far as there are any beside the load's."""
        if self.server is None or self.load is None or workers == 1:
            return self
        beside = [core for core in _usable_cores() if core not in self.load]
        return replace(self, server=tuple(beside[-workers:]))

    def as_json(self) -> dict[str, list[int]] | None:
        """For the records."""
        if self.server is None or self.load is None:
            return None
        return {"server": list(self.server), "load": list(self.load)}


def _usable_cores() -> list[int]:
    """Return the cores that this process may use, at most as many as the CPU quota of its container allows."""
    cores, quota = sorted(os.sched_getaffinity(0)), quota_cores()
    return cores if quota is None else cores[-max(1, int(quota)) :]


def plan_cores(load_processes: int = 1) -> CorePlan:
    """Plan one core for the server and one for each load process, among those that this process may use.

    The relay shares the load's, so that the server has its core to itself. The harness itself is not pinned. If there
    are fewer cores than load processes, these share them.
    """
    if not hasattr(os, "sched_getaffinity"):
        return CorePlan(None, None)
    cores = _usable_cores()
    if len(cores) < 2:
        return CorePlan(None, None)
    load = cores[-min(load_processes, len(cores) - 1) :]
    return CorePlan((cores[-len(load) - 1],), tuple(load))


@contextmanager
def observing(observe: Callable[[], None], period_s: float) -> Iterator[None]:
    """Call `observe` every `period_s` seconds, from a thread that runs only when its core is otherwise idle.

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


def free_port(address: str = "127.0.0.1") -> int:
    """Return a port of this address that is free now."""
    with bound_socket(address) as probe:
        return int(probe.getsockname()[1])


@contextmanager
def reserved_port(address: str = "127.0.0.1") -> Iterator[int]:
    """Reserve a free port, which the system then assigns to no other process that asks for any port.

    Linux lets a server listen where a socket that does not listen is bound, if both have SO_REUSEADDR, as servers have.
    Elsewhere the port is only as good as `free_port`.
    """
    with bound_socket(address) as holder:
        port = int(holder.getsockname()[1])
        if not sys.platform.startswith("linux"):
            holder.close()
        yield port


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
        self.log = log
        with log.open("ab") as stderr, system_errors("starting a process"):
            # psutil's is told of the end at once, where subprocess looks for it every 50 ms.
            self._process = psutil.Popen(
                [sys.executable, *arguments],
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


class ResourceSampler:
    """CPU time and memory of a trial's processes, cumulative, a row per process and reading."""

    def __init__(self) -> None:
        self._rows = array("q")
        # The processes of a trial are in the control groups of this one, which starts them.
        self._throttled_ns = throttling_reader()
        self._watched: list[tuple[SampleRole, Callable[[], list[_Member]], Callable[[], CoreTimes]]] = []

    def watch(self, role: SampleRole, pid: int, *, with_children: bool = False) -> None:
        """Include this process in `read` from now on, with all its children if `with_children`."""
        tree, process = _family if with_children else _alone, psutil.Process(pid)
        self._watched.append((role, tree(process), core_times_reader(process)))

    def read(self) -> None:
        """Record a row for each watched process that is still alive, children included."""
        throttled_ns = self._throttled_ns()
        for role, members, core_times in self._watched:
            try:
                cpu_ns, rss_bytes, waiting_ns = 0, 0, 0
                for process, process_cpu_ns in members():
                    cpu_ns += process_cpu_ns()
                    rss_bytes += process.memory_info().rss
                    waiting_ns += waited_ns(process.pid)
            except (psutil.NoSuchProcess, OSError):
                continue
            taken_ns = *core_times(), waiting_ns, throttled_ns
            self._rows.extend((time.monotonic_ns(), role, cpu_ns, rss_bytes, *taken_ns))

    def cpu_time_ns(self, role: SampleRole) -> int:
        """Return the CPU time that the watched processes of this role have used so far, children included."""
        return sum(used_ns() for watched, members, _ in self._watched if watched == role for _, used_ns in members())

    def table(self) -> Samples:
        """Return all rows so far, sorted by time, as several threads may have read."""
        rows = Samples.from_rows(self._rows, worker=0)
        order = np.argsort(rows.at_ns, kind="stable")
        return Samples(**{name: getattr(rows, name)[order] for name in Samples.column_names()})


class WindowEdges:
    """Both ends of the measured window, for samples taken exactly there: each is reported as passed once."""

    def __init__(
        self, read_ends_ns: Callable[[], Sequence[int]], now_ns: Callable[[], int] = time.monotonic_ns
    ) -> None:
        """Watch for the ends that `read_ends_ns` returns, which is empty until they are known."""
        self._read_ends_ns = read_ends_ns
        self._now_ns = now_ns
        self._ahead_ns: list[int] | None = None

    def wait_s(self, longest_s: float) -> float:
        """Return how long to wait before the next call of `passed`, at most `longest_s`."""
        if self._ahead_ns is None:
            return min(longest_s, _EDGE_LOOK_PERIOD_S)
        ahead_s = [(end_ns - self._now_ns()) / 1e9 for end_ns in self._ahead_ns[:1]]
        return max(0.0, min([longest_s, *ahead_s]))

    def passed(self) -> bool:
        """Return whether an end has been passed since the last call that returned True."""
        if self._ahead_ns is None:
            self._ahead_ns = list(self._read_ends_ns()) or None
        if not self._ahead_ns or self._now_ns() < self._ahead_ns[0]:
            return False
        self._ahead_ns = [end_ns for end_ns in self._ahead_ns if end_ns > self._now_ns()]
        return True


_Member = tuple[psutil.Process, Callable[[], int]]
"""A process and what reads its CPU time in ns."""


def _alone(process: psutil.Process) -> Callable[[], list[_Member]]:
    members = [(process, _cpu_clock(process.pid, process))]
    return lambda: members


def _family(process: psutil.Process) -> Callable[[], list[_Member]]:
    """Return a function that lists the process and its children, which may be started later than this call."""
    return lambda: [(each, _cpu_clock(each.pid, each)) for each in (process, *process.children(recursive=True))]


def _cpu_clock(pid: int, process: psutil.Process) -> Callable[[], int]:
    if sys.platform.startswith("linux"):
        # The process' CPU-time clock, as clock_getcpuclockid(3) builds it: nanoseconds where /proc has only ticks.
        clock = (~pid << 3) | 2
        return lambda: time.clock_gettime_ns(clock)

    def from_ticks() -> int:
        times = process.cpu_times()
        return round((times.user + times.system) * 1e9)

    return from_ticks
