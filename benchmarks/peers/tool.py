"""The interface to other load generators: find, start and stop them, and read their reports."""

from __future__ import annotations

import abc
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from benchmarks.peers.workloads import Work, WorkName

_VERSION_PATIENCE_S = 30.0


class ToolError(Exception):
    """A tool cannot do its work, for a reason in one sentence, which is listed under `failed`."""


@dataclass(frozen=True, slots=True)
class Job:
    """The settings of one trial for a tool."""

    work: Work
    host: str
    port: int
    stay_s: float
    """How long every client must stay after all are connected: settling, warm-up, window and a margin."""
    folder: Path
    """The folder of its configuration and output, kept with the trial."""
    home: Path
    """An empty folder for its other files, deleted after the trial."""

    @property
    def url(self) -> str:
        """The URL of the server."""
        return f"http://{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Launch:
    """The command that starts a tool for a job, and the signal that ends it."""

    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    stop_signal: int | None = None
    """The signal at which it ends and writes its report; None for a tool that must end by itself."""


@dataclass(frozen=True, slots=True)
class ToolReport:
    """A tool's own report of its whole run, not only of the window."""

    units: int | None
    """Deliveries or polls counted; None if it does not count them."""
    p50_ms: float | None
    """None if it reports none."""
    mean_ms: float | None


@dataclass(frozen=True, slots=True)
class ToolDescription:
    """The description of a tool at one work."""

    settings: str
    """How it is used here."""
    reports: str
    """What its latency measures, from when to when."""
    cannot_see: tuple[str, ...]


class Tool(abc.ABC):
    """A load generator other than the harness."""

    name: ClassVar[str]
    works: ClassVar[Mapping[WorkName, ToolDescription]]
    oldest: ClassVar[tuple[int, ...]] = ()
    """The first version whose output can be read; empty for any."""

    @abc.abstractmethod
    def find(self) -> Path | None:
        """Return the path of its program, or None if it is not installed."""

    @abc.abstractmethod
    def version(self, program: Path) -> str:
        """Return its version as it reports it."""

    @abc.abstractmethod
    def launch(self, program: Path, job: Job) -> Launch:
        """Write its configuration into the job's folder, and return the command that starts it."""

    @abc.abstractmethod
    def read_report(self, job: Job, output: str) -> ToolReport:
        """Read its report from its standard output or its files; raise ToolError if there is none."""

    def companions(self, job: Job) -> AbstractContextManager[object]:
        """Run the other programs that it needs during a trial, whose cost does not count; by default none."""
        return nullcontext()

    def checked_version(self, program: Path) -> str:
        """Return its version; raise ToolError if its output cannot be read because it is too old."""
        version = self.version(program)
        numbers = tuple(int(number) for number in re.findall(r"\d+", version)[:3])
        if numbers and numbers < self.oldest:
            wanted = ".".join(str(number) for number in self.oldest)
            raise ToolError(f"{program}: version {version} is too old (expected {wanted} or newer)")
        return version


def find_program(variable: str, command: str) -> Path | None:
    """Return the program named by an environment variable, or else found on PATH."""
    named = os.environ.get(variable)
    path = shutil.which(named or command)
    if path is None and named:
        raise ToolError(f"{variable}={named}: not a program (expected the path of {command})")
    return None if path is None else Path(path).absolute()


def output_of(command: Sequence[str], environment: Mapping[str, str] | None = None) -> str:
    """Return the output of a short command, errors included; raise ToolError if it cannot be run."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_VERSION_PATIENCE_S,
            env={**os.environ, **(environment or {})},
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ToolError(f"{command[0]}: cannot be run: {error}") from error
    return done.stdout + done.stderr


def first_match(pattern: str, text: str, what: str) -> Any:
    """Return the first match of a pattern in a tool's output; raise ToolError if there is none."""
    match = re.search(pattern, text, re.MULTILINE)
    if match is None:
        raise ToolError(f"{what}: not found in its output")
    return match
