"""What a run leaves on disk: the one contract between the load side and the analysis.

A run folder holds run.json and, per trial, `trials/NNN-<transport>/` with trial.json and one `.npz` file per table
below. Every JSON file carries `format` and `version`; a reader upgrades older versions and refuses newer ones.
Times are CLOCK_MONOTONIC nanoseconds of the machine the load ran on, unless a column says otherwise; 0 in a time
column means "not observed".

History
    1: first version. Later runs may have trials/*/written.npz, the server's trace, without which a trial is as whole.
"""

from __future__ import annotations

import dataclasses
import enum
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

RUN_FORMAT = "push-vs-poll/run"
TRIAL_FORMAT = "push-vs-poll/trial"
SUMMARY_FORMAT = "push-vs-poll/summary"
NOISE_FORMAT = "push-vs-poll/noise"
VERSION = 1
SUMMARY_FILE = "summary.json"
NOISE_FILE = "noise.json"
"""In a run's folder: the noise floor that it began with, copied from an earlier run; absent where there was none."""

PARAMETER_DEFAULTS: dict[str, Any] = {"stack": "fastapi", "compression": "off", "headers": "lean", "keep_alive": True}
"""What a point was measured with whose parameters do not name these: every run from before they existed."""

Ints = npt.NDArray[np.int64]
JsonObject = dict[str, Any]


class UserError(Exception):
    """Something the person at the keyboard can mend: one clear sentence, shown without a traceback."""


class RequestKind(enum.IntEnum):
    """What a request row is about. Only CONNECT and HANDSHAKE are set-up; the others count as requests."""

    CONNECT = 0
    """A TCP connection opened (the first of a client, or a new one)."""
    HANDSHAKE = 1
    """The HTTP request that opens a persistent channel: WebSocket upgrade, SSE's GET."""
    POLL = 2
    POST = 3


class Outcome(enum.IntEnum):
    """How a request ended; failures are records too."""

    ANSWERED = 0
    """Connected, upgraded, or answered with at least one event."""
    EMPTY = 1
    """A poll answered with nothing new (204)."""
    BAD_STATUS = 2
    LOST = 3
    """The connection closed or broke before the answer."""
    TIMEOUT = 4
    GARBLED = 5
    """An answer that does not follow the wire contract."""
    SKIPPED = 6
    """A scheduled poll that was never sent: the one before it was still unanswered when its successor fell due."""
    UNFINISHED = 7
    """Still unanswered when the trial ended (a long poll on hold, usually)."""


class SocketStage(enum.IntEnum):
    """When a row of the sockets table was read."""

    SET_UP = 0
    WINDOW_START = 1
    WINDOW_END = 2
    CLOSED = 3


class SampleRole(enum.IntEnum):
    """Which process a resource sample is about."""

    SERVER = 0
    LOAD = 1
    RELAY = 2


@dataclass(frozen=True)
class Table:
    """Columns of equal length, one NumPy array each; a subclass names them and the file."""

    FILE: ClassVar[str]

    def __len__(self) -> int:
        return len(getattr(self, dataclasses.fields(self)[0].name))

    @classmethod
    def column_names(cls) -> list[str]:
        """Column names in the order of a recorded row."""
        return [field.name for field in dataclasses.fields(cls)]

    @classmethod
    def from_rows(cls, flat: npt.ArrayLike) -> Self:
        """From row-major values: `len(column_names())` integers a row, one after the other."""
        names = cls.column_names()
        rows = np.asarray(flat, dtype=np.int64).reshape(-1, len(names))
        return cls(**{name: rows[:, i].copy() for i, name in enumerate(names)})

    @classmethod
    def empty(cls) -> Self:
        """A table without rows."""
        return cls.from_rows(np.empty(0, dtype=np.int64))

    def where(self, mask: npt.NDArray[np.bool_]) -> Self:
        """The rows for which `mask` is true."""
        return type(self)(**{name: getattr(self, name)[mask] for name in self.column_names()})

    def save(self, folder: Path) -> None:
        """Write `folder/FILE`, whole or not at all."""
        target = folder / self.FILE
        partial = target.with_suffix(".partial")
        with partial.open("wb") as stream:
            np.savez(stream, **{name: getattr(self, name) for name in self.column_names()})
        partial.replace(target)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read `folder/FILE`; UserError where it is missing or not such a table."""
        path = folder / cls.FILE
        try:
            with path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
                return cls(**{name: stored[name] for name in cls.column_names()})
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise UserError(f"{path}: cannot be read as a {cls.__name__.lower()} table: {error}") from error


@dataclass(frozen=True)
class Deliveries(Table):
    """One row per event handed to a client, in the order of arrival of each client."""

    FILE: ClassVar[str] = "deliveries.npz"
    client: Ints
    seq: Ints
    due_ns: Ints
    """As the event itself said it on the wire (echo: when the client was due to send)."""
    published_ns: Ints
    """As the event itself said it on the wire (echo: when the client sent)."""
    kernel_realtime_ns: Ints
    """Kernel receive stamp (SO_TIMESTAMPNS, CLOCK_REALTIME) of the last segment read with it; 0 where absent."""
    user_ns: Ints
    """When the read returned to the client, before any parsing."""
    payload_ok: Ints
    """1 where the payload is the one this seq must carry, else 0."""


@dataclass(frozen=True)
class Requests(Table):
    """One row per connection attempt, handshake, poll or POST, failed ones included."""

    FILE: ClassVar[str] = "requests.npz"
    client: Ints
    kind: Ints
    """RequestKind."""
    planned_ns: Ints
    """When the schedule wanted it sent; equal to start_ns where there is no schedule."""
    start_ns: Ints
    end_ns: Ints
    outcome: Ints
    """Outcome."""
    status: Ints
    """HTTP status, WebSocket close code of a refused channel, or 0."""
    events: Ints
    """Events that the answer carried."""
    up_bytes: Ints
    """Bytes of this request as written to the socket."""
    down_bytes: Ints
    """Bytes of its answer as read from the socket."""


@dataclass(frozen=True)
class Sockets(Table):
    """Cumulative socket counters per client over all its connections, read at the stages of a trial."""

    FILE: ClassVar[str] = "sockets.npz"
    client: Ints
    stage: Ints
    """SocketStage."""
    at_ns: Ints
    up_bytes: Ints
    down_bytes: Ints
    up_segments: Ints
    """-1 where the platform does not tell."""
    down_segments: Ints


@dataclass(frozen=True)
class Clients(Table):
    """One row per client."""

    FILE: ClassVar[str] = "clients.npz"
    client: Ints
    """Numbered from 0 without gaps, in every table."""
    phase_ns: Ints
    """Offset of its schedule (short polls, echo messages) after the stream's start; 0 without one."""
    connect_start_ns: Ints
    ready_ns: Ints
    """Connected, and where the transport has one, channel open."""
    cut_off: Ints
    """1 where the server closed the client's channel before it had every event."""


@dataclass(frozen=True)
class Published(Table):
    """The stream as it was published: one row per event, from the server's own account."""

    FILE: ClassVar[str] = "published.npz"
    seq: Ints
    due_ns: Ints
    """From the schedule: start + offset (echo: to which each client adds its phase)."""
    published_ns: Ints
    """From the server; 0 where the event was never published or the clients themselves are the senders."""
    event_bytes: Ints
    """Length of the event as encoded on the wire, before any framing."""


@dataclass(frozen=True)
class Written(Table):
    """The server's own trace: one row per event and client each time it was handed to that client's connection."""

    FILE: ClassVar[str] = "written.npz"
    client: Ints
    seq: Ints
    written_ns: Ints
    """When the send returned to the server's code: from there on it is the event loop's, then the kernel's."""


@dataclass(frozen=True)
class Samples(Table):
    """CPU time and memory of the processes of a trial, cumulative, read a few times a second."""

    FILE: ClassVar[str] = "samples.npz"
    at_ns: Ints
    role: Ints
    """SampleRole."""
    cpu_ns: Ints
    rss_bytes: Ints


@dataclass(frozen=True)
class ClockPairs(Table):
    """Both clocks read together, for the conversion of kernel stamps."""

    FILE: ClassVar[str] = "clock.npz"
    monotonic_ns: Ints
    """Midpoint of the two monotonic readings around the realtime one."""
    realtime_ns: Ints
    bracket_ns: Ints
    """Distance of those two readings: the conversion is exact to half of it."""

    def to_monotonic(self, realtime_ns: Ints) -> Ints:
        """Kernel stamps on the monotonic clock, the offset interpolated between pairs; 0 (absent) stays 0."""
        offsets = self.monotonic_ns - self.realtime_ns
        origin = self.realtime_ns[0]
        interpolated = np.interp(realtime_ns - origin, self.realtime_ns - origin, offsets - offsets[0])
        converted = realtime_ns + offsets[0] + np.rint(interpolated).astype(np.int64)
        return np.where(realtime_ns == 0, 0, converted)


@dataclass(frozen=True)
class LoopLag(Table):
    """Lateness of a periodic timer inside the load process: how long its event loop was busy."""

    FILE: ClassVar[str] = "loop_lag.npz"
    at_ns: Ints
    lag_ns: Ints


@dataclass(frozen=True)
class TransportStyle:
    """What the analysis knows of a transport: how it is named, modelled and drawn."""

    name: str
    label: str
    role: str
    """`persistent` or `polling`."""
    model: str
    """`push`, `short_poll`, `long_poll`, `round_trip` or `round_trip_new_connection`."""
    colour: str
    marker: str
    dash: tuple[float, ...]


@dataclass(frozen=True)
class PlannedTrial:
    """One trial of the plan: which transport, with which parameters, in which block."""

    index: int
    block: int
    point: int
    """Trials of one point share transport and parameters, and differ by block."""
    transport: str
    parameters: JsonObject
    """Every parameter resolved: clients, rate_per_s, arrival, payload_bytes, one_way_delay_ms, warm_up_s,
    measured_s, and those of the transport (poll_interval_s, hold_s)."""
    seed: int

    @property
    def folder_name(self) -> str:
        """`NNN-<transport>`."""
        return f"{self.index:03d}-{self.transport}"


@dataclass(frozen=True)
class RunInfo:
    """run.json: all that is known before the first trial."""

    scenario: JsonObject
    """The scenario as resolved: name, description, …; see docs/formats.md."""
    plan: tuple[PlannedTrial, ...]
    transports: tuple[TransportStyle, ...]
    reference: str
    """The transport that others are compared with."""
    target: str | None
    """URL of a server that was already running, or null where the harness started its own."""
    machine: JsonObject
    versions: JsonObject
    settings: JsonObject
    """Pinned defaults: compression, pings, keep-alive, access log, server options."""
    started_at: str


@dataclass(frozen=True)
class TrialInfo:
    """trial.json: what happened in one trial."""

    index: int
    block: int
    point: int
    transport: str
    parameters: JsonObject
    seed: int
    expected_events: int
    """Events every client must receive."""
    t0_ns: int
    """Start of the stream."""
    window_start_ns: int
    """Events due in [window_start_ns, window_end_ns) are measured; what is before is warm-up."""
    window_end_ns: int
    end: str
    """`complete` (every client has every event) or `drain_limit`, `server_died`, `load_died`."""
    problems: tuple[str, ...]
    """Sentences about what went wrong in it; empty as a rule."""
    capabilities: JsonObject
    """`kernel_stamps`, `tcp_info`: bool; `cpu_pinned`: {"server": […], "load": […]} or null."""
    server_stats: JsonObject
    """GET /stats without `published`."""
    relay: JsonObject | None
    """The relay's own account of its accuracy, null where the network is not emulated."""
    timing_s: JsonObject
    """`set_up`, `stream`, `drain`, `tear_down`, `total`."""


@dataclass(frozen=True)
class Trial:
    """A trial as loaded: its info and all its tables."""

    info: TrialInfo
    deliveries: Deliveries
    requests: Requests
    sockets: Sockets
    clients: Clients
    published: Published
    samples: Samples
    clock: ClockPairs
    loop_lag: LoopLag
    written: Written | None = None
    """None where no trace was asked for."""

    def save(self, folder: Path) -> None:
        """Write the tables, then trial.json: a folder with trial.json is complete."""
        folder.mkdir(parents=True, exist_ok=True)
        for table in self._tables().values():
            table.save(folder)
        write_json(folder / "trial.json", TRIAL_FORMAT, dataclasses.asdict(self.info))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a finished trial's folder."""
        info = TrialInfo(**_fields_of(TrialInfo, read_json(folder / "trial.json", TRIAL_FORMAT), folder / "trial.json"))
        return cls(
            info,
            Deliveries.load(folder),
            Requests.load(folder),
            Sockets.load(folder),
            Clients.load(folder),
            Published.load(folder),
            Samples.load(folder),
            ClockPairs.load(folder),
            LoopLag.load(folder),
            Written.load(folder) if (folder / Written.FILE).is_file() else None,
        )

    def _tables(self) -> Mapping[str, Table]:
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {name: table for name, table in fields.items() if isinstance(table, Table)}


def write_run_info(run_folder: Path, info: RunInfo) -> None:
    """Write run.json."""
    write_json(run_folder / "run.json", RUN_FORMAT, dataclasses.asdict(info))


def load_run_info(run_folder: Path) -> RunInfo:
    """Read run.json; UserError where the folder is no run or from a newer version."""
    path = run_folder / "run.json"
    if not path.is_file():
        raise UserError(f"{run_folder}: not a run folder: it has no run.json (expected a folder below results/)")
    fields = _fields_of(RunInfo, read_json(path, RUN_FORMAT), path)
    fields["plan"] = tuple(PlannedTrial(**planned) for planned in fields["plan"])
    fields["transports"] = tuple(TransportStyle(**{**t, "dash": tuple(t["dash"])}) for t in fields["transports"])
    return RunInfo(**fields)


def load_noise_floor(run_folder: Path) -> tuple[JsonObject, str] | None:
    """The noise floor that a run began with and the name of the run that measured it; None where there was none."""
    path = run_folder / NOISE_FILE
    if not path.is_file():
        return None
    document = read_json(path, NOISE_FORMAT)
    try:
        return document["noise_floor"], document["noise_floor_from"]
    except KeyError as error:
        raise UserError(f"{path}: lacks {error.args[0]}") from error


def finished_trial_folders(run_folder: Path) -> list[Path]:
    """Folders of the trials that were recorded to the end, in the order they ran."""
    return sorted(path.parent for path in (run_folder / "trials").glob("*/trial.json"))


def write_json(path: Path, format_name: str, fields: JsonObject) -> None:
    """Write `fields` behind `format` and `version`, whole or not at all."""
    document = {"format": format_name, "version": VERSION, **fields}
    partial = path.with_name(path.name + ".partial")
    partial.write_text(json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
    partial.replace(path)


def read_json(path: Path, format_name: str) -> JsonObject:
    """Read a document of ours, checked for format and version; UserError otherwise."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read: {error}") from error
    if not isinstance(document, dict) or document.get("format") != format_name:
        raise UserError(f"{path}: not a {format_name} file")
    if not isinstance(document.get("version"), int) or document["version"] > VERSION:
        raise UserError(
            f"{path}: version {document.get('version')!r} of {format_name} is newer than this program knows "
            f"(up to {VERSION}): use the program that wrote it"
        )
    return {key: value for key, value in document.items() if key not in ("format", "version")}


def _fields_of(record: type, document: JsonObject, path: Path) -> JsonObject:
    expected = {field.name for field in dataclasses.fields(record)}
    if missing := expected - document.keys():
        raise UserError(f"{path}: lacks {', '.join(sorted(missing))}")
    return {
        name: tuple(value) if isinstance(value, list) else value for name, value in document.items() if name in expected
    }
