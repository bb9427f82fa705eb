"""The fields of run.json and summary.json that the page of all runs shows.

Only the fields that are shown are read and checked, so that hundreds of runs take about a second, and a run of an
earlier version is shown as far as it has these fields.
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, TypeAdapter, ValidationError

from contract.errors import UserError
from contract.records import RUN_FORMAT, SUMMARY_FILE, SUMMARY_FORMAT
from contract.records.documents import MAX_DOCUMENT_BYTES, describe_error, version_of
from contract.summary import BytesIntervals, BytesPerEvent, Estimates, Interval, Latency, NoiseFloor, Record
from contract.times import parse_time
from terminal.plain import plain

_Document = TypeVar("_Document", "RunOutline", "SummaryOutline")
_REPORT_FILE = "report.html"
_MACHINE = ("processor", "architecture", "cores", "usable_cores", "cpu_quota_cores")
"""Keys that distinguish machines, besides the name of the operating system."""
_ONE_RUN = frozenset({"SCENARIO", "SEED"})
"""Variables of `make bench` that are no part of a group's title: it has the scenario, and each run has its seed."""


@dataclass(frozen=True, slots=True)
class ScenarioName:
    """The scenario of a run, only its name."""

    name: str


@dataclass(frozen=True, slots=True)
class Checkout:
    """The code that was measured."""

    commit: str
    clean: bool


def _time(value: object) -> datetime:
    if not isinstance(value, str):
        raise ValueError(f"{value!r:.80} is not a time")
    return parse_time(value)


@dataclass(frozen=True, slots=True)
class RunOutline:
    """The fields of run.json that are shown."""

    format: str
    version: int
    scenario: ScenarioName
    started_at: Annotated[datetime, BeforeValidator(_time)]
    machine: dict[str, Any]
    versions: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    asked: dict[str, str] = field(default_factory=dict)
    target: str | None = None
    seed: int | None = None
    checkout: Checkout | None = None


@dataclass(frozen=True, slots=True)
class Label:
    """A transport's name, and its label for readers."""

    name: str
    label: str


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class PointOutline(Record):
    """The fields of a point that are shown: the key figures, with their intervals."""

    transport: str
    parameters: dict[str, str | int | float | bool | None]
    trials: int
    valid: bool
    base: bool
    latency_ms: Latency
    requests_per_event: float | None
    requests_per_event_ci95: Interval | None
    requests_per_s: float | None = None
    requests_per_s_ci95: Interval | None = None
    bytes_per_event: BytesPerEvent
    bytes_per_event_ci95: BytesIntervals | None = None
    server_cpu_us_per_event: float | None
    server_cpu_us_per_event_ci95: Interval | None = None
    estimates: Estimates | None = None


@dataclass(frozen=True, slots=True)
class SummaryOutline:
    """The fields of summary.json that are shown."""

    format: str
    version: int
    valid: bool
    verdict: str
    transports: tuple[Label, ...]
    points: tuple[PointOutline, ...]
    planned_trials: int
    finished_trials: int
    wrong_way: str | None = None
    noise_floor: dict[str, NoiseFloor] | None = None


_RUN = TypeAdapter(RunOutline)
_SUMMARY = TypeAdapter(SummaryOutline)


@dataclass(frozen=True)
class ListedRun:
    """A run that the page lists."""

    folder: Path
    info: RunOutline
    summary: SummaryOutline | None
    """None if the run has no summary, or one that cannot be read."""
    problem: str
    """Why it has no summary; empty if it has one."""

    @property
    def name(self) -> str:
        """The folder's name."""
        return plain(self.folder.name)

    @property
    def report(self) -> Path | None:
        """Its report, if it has one."""
        path = self.folder / _REPORT_FILE
        return path if path.is_file() else None

    @property
    def usable(self) -> bool:
        """Whether its figures may be compared with those of other runs."""
        return self.summary is not None and self.summary.valid and not self.summary.wrong_way

    @property
    def machine(self) -> tuple[str, ...]:
        """The identity of its machine: processor, cores, quota and kind of operating system, and a server's address.

        Two machines that agree in all of these are one: run.json has no name of a machine.
        """
        parts = [self.info.machine.get(name) for name in _MACHINE]
        system = _words(self.info.machine.get("system")).partition(" ")[0]
        return (*map(_words, parts), system, _words(self.info.target))

    @property
    def group(self) -> tuple[str, ...]:
        """A key that is equal for runs of one group: scenario, variables of `make bench`, and machine."""
        asked = sorted(f"{name}={value}" for name, value in self.info.asked.items() if name not in _ONE_RUN)
        return (self.info.scenario.name, " ".join(asked), *self.machine)


@dataclass(frozen=True)
class UnreadRun:
    """A folder that has a run.json which cannot be read, or of which that is not known."""

    name: str
    problem: str


def read_runs(results: Path) -> Iterator[ListedRun | UnreadRun]:
    """Yield the runs in a folder of results by name, without links and folders that have no run.json."""
    for folder in sorted(results.iterdir()):
        try:
            if not (_is_regular(folder, stat.S_ISDIR) and _is_regular(folder / "run.json", stat.S_ISREG)):
                continue
            info = _read(folder / "run.json", _RUN, RUN_FORMAT)
        except UserError as error:
            yield UnreadRun(plain(folder.name), plain(str(error)))
            continue
        summary, problem = None, ""
        try:
            if not _is_regular(folder / SUMMARY_FILE, stat.S_ISREG):
                raise UserError("not reported yet")
            summary = _read(folder / SUMMARY_FILE, _SUMMARY, SUMMARY_FORMAT)
        except UserError as error:
            problem = plain(str(error))
        yield ListedRun(folder, info, summary, problem)


def _is_regular(path: Path, is_kind: Callable[[int], bool]) -> bool:
    """Return whether a path is of this kind itself, and not a link to one; raise UserError if unknown."""
    try:
        return is_kind(path.lstat().st_mode)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise UserError(f"{path.name} cannot be read: {error.strerror}") from error


def _read(path: Path, outline: TypeAdapter[_Document], format_name: str) -> _Document:
    """Read the outline of a document; raise UserError if it is not one that this program can read."""
    try:
        if (size_bytes := path.stat().st_size) > MAX_DOCUMENT_BYTES:
            raise UserError(f"{path.name} has {size_bytes} bytes (expected at most {MAX_DOCUMENT_BYTES})")
        document = outline.validate_json(path.read_bytes(), strict=True)
    except OSError as error:
        raise UserError(f"{path.name} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        raise UserError(f"{path.name} cannot be read: {describe_error(error)}") from error
    if document.format != format_name:
        raise UserError(f"{path.name} is not a {format_name} file")
    if document.version > version_of(format_name):
        raise UserError(f"{path.name} was written by a newer version of this program")
    return document


def _words(value: object) -> str:
    return "" if value is None else plain(str(value))
