"""What every other load generator is to this package: found, started, asked to end, and its own account read."""

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
    """A tool that cannot do its work: one sentence, which becomes its entry among the failed."""


@dataclass(frozen=True, slots=True)
class Job:
    """What a tool is told of one trial."""

    work: Work
    host: str
    port: int
    stay_s: float
    """How long every client must stay after all are connected: settling, warm-up, window and a margin."""
    folder: Path
    """Where its configuration and what it writes go; kept with the trial."""
    home: Path
    """An empty folder that it may litter; gone after the trial."""

    @property
    def url(self) -> str:
        """Of the server."""
        return f"http://{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Launch:
    """How a tool is started for a job, and how it ends."""

    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    stop_signal: int | None = None
    """Ends it with its account written; None for one that writes none unless it ends by itself."""


@dataclass(frozen=True, slots=True)
class Account:
    """What a tool says of its own run, all of it and not of the window alone."""

    units: int | None
    """Deliveries or polls counted; None where it does not count them."""
    p50_ms: float | None
    """None where it reports none."""
    mean_ms: float | None


@dataclass(frozen=True, slots=True)
class Describes:
    """What there is to say of a tool at one work."""

    settings: str
    """How it is used here."""
    reports: str
    """What its latency is, from when to when."""
    cannot_see: tuple[str, ...]


class Tool(abc.ABC):
    """One load generator that is not ours."""

    name: ClassVar[str]
    works: ClassVar[Mapping[WorkName, Describes]]
    oldest: ClassVar[tuple[int, ...]] = ()
    """The first version whose output is understood; empty for any."""

    @abc.abstractmethod
    def find(self) -> Path | None:
        """Its program, or None where it is not installed."""

    @abc.abstractmethod
    def version(self, program: Path) -> str:
        """What it calls its version."""

    @abc.abstractmethod
    def launch(self, program: Path, job: Job) -> Launch:
        """Write what it needs into the job's folders, and say how to start it."""

    @abc.abstractmethod
    def account(self, job: Job, output: str) -> Account:
        """Read its own account, from its standard output or from its files; ToolError where there is none."""

    def companions(self, job: Job) -> AbstractContextManager[object]:
        """What must run beside it for the length of a trial, and is no part of its cost; nothing, as a rule."""
        return nullcontext()

    def checked_version(self, program: Path) -> str:
        """Its version; ToolError where it is older than what is understood here."""
        told = self.version(program)
        numbers = tuple(int(number) for number in re.findall(r"\d+", told)[:3])
        if numbers and numbers < self.oldest:
            wanted = ".".join(str(number) for number in self.oldest)
            raise ToolError(f"{program}: version {told} is too old (expected {wanted} or newer)")
        return told


def found(variable: str, command: str) -> Path | None:
    """A program named by an environment variable, or else looked up on PATH."""
    named = os.environ.get(variable)
    path = shutil.which(named or command)
    if path is None and named:
        raise ToolError(f"{variable}={named}: not a program (expected the path of {command})")
    return None if path is None else Path(path).absolute()


def printed(command: Sequence[str], environment: Mapping[str, str] | None = None) -> str:
    """What a short command prints, errors included; ToolError where it cannot be run."""
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
            timeout=_VERSION_PATIENCE_S, env={**os.environ, **(environment or {})}, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ToolError(f"{command[0]}: cannot be run: {error}") from error
    return done.stdout + done.stderr


def first_match(pattern: str, text: str, what: str) -> Any:
    """The first match of a pattern in a tool's output; ToolError where there is none."""
    match = re.search(pattern, text, re.MULTILINE)
    if match is None:
        raise ToolError(f"{what}: not found in its output")
    return match
