"""The tables of a trial: columns of integers, one NumPy array each, in one `.npz` file per table."""

from __future__ import annotations

import dataclasses
import enum
import io
import math
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Self, get_args, get_type_hints

import numpy as np
import numpy.typing as npt

from contract.errors import UserError
from contract.times import NO_TIME_NS

Ints = npt.NDArray[np.int64]

MAX_COLUMN_BYTES = 2**30
"""The largest column that is read, 134 million rows: many times the largest trial. A file may claim any size."""


def is_time(times_ns: Ints) -> npt.NDArray[np.bool_]:
    """Return, for each value of a column of times, whether it is a time."""
    return np.asarray(times_ns != NO_TIME_NS, dtype=np.bool_)


class RequestKind(enum.IntEnum):
    """The kind of a request row. CONNECT and HANDSHAKE are set-up; only the others count as requests."""

    CONNECT = 0
    """Opening a TCP connection (the first of a client, or a new one)."""
    HANDSHAKE = 1
    """The HTTP request that opens a persistent channel: WebSocket upgrade, SSE's GET."""
    POLL = 2
    POST = 3


class Outcome(enum.IntEnum):
    """How a request ended; failures are recorded too."""

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
    """A scheduled poll that was never sent: the one before it was still unanswered when the next one was due."""
    UNFINISHED = 7
    """Still unanswered when the trial ended (usually a held long poll)."""


class SocketStage(enum.IntEnum):
    """When a row of the sockets table was read."""

    SET_UP = 0
    WINDOW_START = 1
    WINDOW_END = 2
    CLOSED = 3


class SampleRole(enum.IntEnum):
    """The process that a resource sample is about."""

    SERVER = 0
    LOAD = 1
    RELAY = 2


@dataclass(frozen=True, slots=True)
class Values:
    """The values a column may hold: whole numbers from `least` to `most`."""

    least: int
    most: int


_MOST = 2**62
"""The largest time, 146 years in ns: the difference of two such numbers fits into 64 bits."""
Times = Annotated[Ints, Values(-_MOST, _MOST)]
Spans = Annotated[Ints, Values(-_MOST, _MOST)]
Cumulative = Annotated[Ints, Values(0, _MOST)]
"""CPU time or memory used."""
Amounts = Annotated[Ints, Values(0, 2**40)]
"""Bytes or events: the sum of a million of them fits into 64 bits."""
Numbers = Annotated[Ints, Values(0, 1_000_000)]
"""Indices of clients and workers, and counts."""
AnySeqs = Annotated[Ints, Values(-(2**63), 2**63 - 1)]
"""Seqs as a server sent them: those that the stream does not have are counted as corrupt."""
Segments = Annotated[Ints, Values(-1, 2**40)]
Statuses = Annotated[Ints, Values(0, 65_535)]
Flags = Annotated[Ints, Values(0, 1)]
RequestKinds = Annotated[Ints, Values(0, max(RequestKind))]
Outcomes = Annotated[Ints, Values(0, max(Outcome))]
SocketStages = Annotated[Ints, Values(0, max(SocketStage))]
SampleRoles = Annotated[Ints, Values(0, max(SampleRole))]


@dataclass(frozen=True)
class Table:
    """Columns of equal length, one NumPy array each; a subclass names them and the file."""

    FILE: ClassVar[str]
    ADDED_LATER: ClassVar[tuple[str, ...]] = ()
    """Columns that older files do not have; they are read as 0."""

    def __len__(self) -> int:
        return len(getattr(self, dataclasses.fields(self)[0].name))

    @classmethod
    def column_names(cls) -> list[str]:
        """Return the column names in the order of a recorded row."""
        return [field.name for field in dataclasses.fields(cls)]

    @classmethod
    def from_rows(cls, flat: npt.ArrayLike, **constant: int) -> Self:
        """Build a table from row-major values: an integer for each column that is not `constant`."""
        names = [name for name in cls.column_names() if name not in constant]
        rows = np.asarray(flat, dtype=np.int64).reshape(-1, len(names))
        columns = {name: rows[:, i].copy() for i, name in enumerate(names)}
        return cls(**columns, **{name: np.full(len(rows), value, dtype=np.int64) for name, value in constant.items()})

    @classmethod
    def empty(cls) -> Self:
        """Return a table without rows."""
        return cls.from_rows(np.empty(0, dtype=np.int64))

    def where(self, mask: npt.NDArray[np.bool_]) -> Self:
        """Return the rows for which `mask` is true; the table itself if it is true for all."""
        if mask.all():
            return self
        return type(self)(**{name: getattr(self, name)[mask] for name in self.column_names()})

    def followed_by(self, other: Self) -> Self:
        """Return the rows of both tables, those of `other` last."""
        both = {name: (getattr(self, name), getattr(other, name)) for name in self.column_names()}
        return type(self)(**{name: np.concatenate(columns) for name, columns in both.items()})

    def save(self, folder: Path) -> None:
        """Write `folder/FILE`, completely or not at all."""
        target = folder / self.FILE
        partial = target.with_suffix(".partial")
        with partial.open("wb") as stream:
            np.savez(stream, **{name: getattr(self, name) for name in self.column_names()})
        partial.replace(target)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read `folder/FILE`; raise UserError if it is missing, not such a table, or has values out of range."""
        path = folder / cls.FILE
        try:
            with zipfile.ZipFile(path) as stored:
                absent = [name for name in cls.ADDED_LATER if f"{name}.npy" not in stored.namelist()]
                columns = {name: _read_column(stored, name) for name in cls.column_names() if name not in absent}
        except (OSError, ValueError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile) as error:
            raise UserError(f"{path}: cannot be read as a {cls.__name__.lower()} table: {error}") from error
        rows, accepted = len(next(iter(columns.values()))), _accepted(cls)
        for name, column in columns.items():
            if len(column) != rows:
                raise UserError(f"{path}: column {name} has {len(column)} rows (expected {rows}, as the others have)")
            _check_values(name, column, accepted[name], path)
        return cls(**columns, **{name: np.zeros(rows, dtype=np.int64) for name in absent})


def _accepted(table: type[Table]) -> dict[str, Values]:
    """Return the values that each column may hold."""
    hints = get_type_hints(table, include_extras=True)
    return {
        name: values for name in table.column_names() for values in get_args(hints[name]) if isinstance(values, Values)
    }


def _check_values(name: str, column: Ints, accepted: Values, path: Path) -> None:
    if not len(column) or (column.min() >= accepted.least and column.max() <= accepted.most):
        return
    row = int(np.argmax((column < accepted.least) | (column > accepted.most)))
    raise UserError(
        f"{path}: column {name}: row {row} has {column[row]} (expected {accepted.least} to {accepted.most})"
    )


def _read_column(stored: zipfile.ZipFile, name: str) -> Ints:
    """Read one column; raise ValueError if it is not a row of integers, or its size is not the one it states.

    Memory is allocated for the bytes that the file holds, never for the size that it states.
    """
    member = stored.getinfo(f"{name}.npy")
    if member.compress_type != zipfile.ZIP_STORED:
        raise ValueError(f"column {name} is compressed (expected it as np.savez stores it)")
    if member.file_size > MAX_COLUMN_BYTES:
        raise ValueError(f"column {name} has {member.file_size} bytes (expected at most {MAX_COLUMN_BYTES})")
    raw = stored.read(member)
    stream = io.BytesIO(raw)
    if (version := np.lib.format.read_magic(stream)) != (1, 0):
        raise ValueError(f"column {name} has a header of version {version} (expected 1.0)")
    shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
    held, claimed = len(raw) - stream.tell(), math.prod(shape) * dtype.itemsize
    if len(shape) != 1 or dtype != np.dtype("<i8"):
        raise ValueError(f"column {name} has shape {shape} and type {dtype} (expected one row of 64-bit integers)")
    if held != claimed:
        raise ValueError(f"column {name} claims {claimed} bytes and has {held}")
    return np.frombuffer(raw, dtype="<i8", offset=stream.tell()).astype(np.int64)


@dataclass(frozen=True)
class Deliveries(Table):
    """One row per event that a client received, in the order of arrival of each client."""

    FILE: ClassVar[str] = "deliveries.npz"
    client: Numbers
    seq: AnySeqs
    due_ns: Times
    """As sent in the event (echo: when the client was due to send)."""
    published_ns: Times
    """As sent in the event (echo: when the client sent)."""
    kernel_realtime_ns: Times
    """Kernel receive stamp (SO_TIMESTAMPNS, CLOCK_REALTIME) of the last segment read with it; 0 if there is none."""
    user_ns: Times
    """When the read returned to the client, before any parsing."""
    payload_ok: Flags
    """1 if the payload is the one this seq must carry, else 0."""


@dataclass(frozen=True)
class Requests(Table):
    """One row per connection attempt, handshake, poll or POST, failed ones included."""

    FILE: ClassVar[str] = "requests.npz"
    client: Numbers
    kind: RequestKinds
    """RequestKind."""
    planned_ns: Times
    """When the schedule planned the request; equal to start_ns if there is no schedule."""
    start_ns: Times
    end_ns: Times
    outcome: Outcomes
    """Outcome."""
    status: Statuses
    """HTTP status, WebSocket close code of a refused channel, or 0."""
    events: Amounts
    """The number of events in the answer."""
    up_bytes: Amounts
    """Bytes of this request as written to the socket."""
    down_bytes: Amounts
    """Bytes of its answer as read from the socket."""


@dataclass(frozen=True)
class Sockets(Table):
    """Cumulative socket counters per client, over all its connections, read at the stages of a trial."""

    FILE: ClassVar[str] = "sockets.npz"
    client: Numbers
    stage: SocketStages
    """SocketStage."""
    at_ns: Times
    up_bytes: Amounts
    down_bytes: Amounts
    up_segments: Segments
    """-1 if the platform does not report it."""
    down_segments: Segments


@dataclass(frozen=True)
class Clients(Table):
    """One row per client."""

    FILE: ClassVar[str] = "clients.npz"
    client: Numbers
    """Numbered from 0 without gaps, in every table."""
    phase_ns: Spans
    """Offset of its schedule (short polls, echo messages) after the stream's start; 0 if it has no schedule."""
    connect_start_ns: Times
    ready_ns: Times
    """When it was connected and, if the transport has a channel, the channel was open."""
    cut_off: Flags
    """1 where the server closed the client's channel before it had every event."""


@dataclass(frozen=True)
class Published(Table):
    """The stream as the server reports to have published it: one row per event."""

    FILE: ClassVar[str] = "published.npz"
    seq: AnySeqs
    due_ns: Times
    """From the schedule: start + offset (echo: to which each client adds its phase)."""
    published_ns: Times
    """As the server reports it; 0 if the event was never published or the clients themselves are the senders."""
    event_bytes: Amounts
    """Length of the event as encoded on the wire, before any framing."""


@dataclass(frozen=True)
class Written(Table):
    """The server's own trace: one row for each time an event was written to a client's connection."""

    FILE: ClassVar[str] = "written.npz"
    client: Numbers
    seq: AnySeqs
    written_ns: Times
    """When the send returned to the server's code; after that, the event loop and the kernel handle it."""


@dataclass(frozen=True)
class Samples(Table):
    """CPU time and memory of the processes of a trial, cumulative, read a few times a second."""

    FILE: ClassVar[str] = "samples.npz"
    ADDED_LATER = ("worker", "core_busy_ns", "stolen_ns", "waited_ns", "throttled_ns")
    at_ns: Times
    role: SampleRoles
    """SampleRole."""
    cpu_ns: Cumulative
    rss_bytes: Cumulative
    core_busy_ns: Cumulative
    """For how long the core that this process runs on ran any program, this one included: user and system time of
    proc(5), the mean of the cores that it may use, in steps of 10 ms; 0 if the platform does not report it."""
    stolen_ns: Cumulative
    """For how long the host of a virtual machine gave the core that this process runs on to others, though it had work:
    steal of proc(5), the mean of the cores that it may use; 0 if the platform does not report it."""
    waited_ns: Cumulative
    """For how long the main threads of these processes were ready to run while others had their core: run-queue wait of
    /proc/PID/schedstat; 0 if the platform does not report it."""
    throttled_ns: Cumulative
    """For how long the CPU quota of its container made this process and others wait, added up over cores
    (`system.processor`); 0 if there is none."""
    worker: Numbers
    """The index of the load process; 0 for the other roles."""

    def growth(self, column: str, start_ns: int, end_ns: int) -> float:
        """Return by how much a cumulative column of one process grew between two times, interpolated linearly."""
        origin_ns = self.at_ns[0]
        times = np.array([start_ns, end_ns]) - origin_ns
        at_start, at_end = np.interp(times, self.at_ns - origin_ns, getattr(self, column))
        return float(at_end - at_start)


@dataclass(frozen=True)
class ClockPairs(Table):
    """Readings of both clocks at the same time, to convert kernel stamps."""

    FILE: ClassVar[str] = "clock.npz"
    ADDED_LATER = ("worker",)
    monotonic_ns: Times
    """Midpoint of the two monotonic readings around the realtime one."""
    realtime_ns: Times
    bracket_ns: Cumulative
    """Distance of those two readings: the conversion is exact to half of it."""
    worker: Numbers
    """The load process that read them; stamps are converted with the pairs of their own process."""

    def to_monotonic(self, realtime_ns: Ints) -> Ints:
        """Return kernel stamps on the monotonic clock, with interpolated offsets; missing stamps stay missing."""
        offsets = self.monotonic_ns - self.realtime_ns
        origin = self.realtime_ns[0]
        interpolated = np.interp(realtime_ns - origin, self.realtime_ns - origin, offsets - offsets[0])
        converted = realtime_ns + offsets[0] + np.rint(interpolated).astype(np.int64)
        return np.where(is_time(realtime_ns), converted, NO_TIME_NS)


@dataclass(frozen=True)
class LoopLag(Table):
    """Lateness of a periodic timer in the load process: how long its event loop was busy."""

    FILE: ClassVar[str] = "loop_lag.npz"
    ADDED_LATER = ("worker",)
    at_ns: Times
    lag_ns: Spans
    worker: Numbers
    """The load process."""
