"""The folder of a run: run.json, and per trial trial.json and its tables."""

from __future__ import annotations

import dataclasses
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Self

import numpy as np

from contract.errors import UserError
from contract.parameters import Parameters
from contract.records.consistency import check_info, check_names, check_planned, check_times
from contract.records.documents import (
    RUN_FORMAT,
    TRIAL_FORMAT,
    JsonObject,
    as_document,
    parse_record,
    read_json,
    write_json,
)
from contract.records.fields import RUN, TRIAL, check_fields
from contract.records.tables import (
    Clients,
    ClockPairs,
    Deliveries,
    Ints,
    LoopLag,
    Published,
    Requests,
    Samples,
    Sockets,
    Table,
    Written,
    is_time,
)
from contract.records.workers import WorkerInfo, on_one_clock, worker_of_clients
from contract.times import NO_TIME_NS, parse_time
from contract.transports import TransportStyle

SET_ASIDE_FOLDER = "set_aside"
"""In a run's folder: attempts at trials that were repeated, `NNN-<transport>-1` the first one. No figure uses them."""


@dataclass(frozen=True)
class PlannedTrial:
    """One trial of the plan: its transport, parameters and block."""

    index: int
    block: int
    point: int
    """Trials of one point share transport and parameters, and differ by block."""
    transport: str
    parameters: Parameters
    """All parameters of the transport are stated, except those of a server that was started by somebody else."""
    seed: int
    stream_span_s: float | None = None
    """Random arrivals have their expected count in every span of this length; None: in the measured window. It is the
    shortest measured window at the point's event rate: of two windows the shorter is the beginning of the longer."""

    @property
    def own_seed(self) -> int:
        """The seed of a trial's own random choices; the stream has another, which all trials of a block share."""
        return _own_seed(self.seed, self.point)

    @property
    def folder_name(self) -> str:
        """`NNN-<transport>`."""
        return f"{self.index:03d}-{self.transport}"


@dataclass(frozen=True)
class PointPrecision:
    """The trials that a point needs, by its pilot, if the scenario asks for a precision."""

    point: int
    wanted_ms: float
    """The largest half-width wanted of the 95 % interval of its p50."""
    trials_needed: int
    """The number of trials that takes, those of the pilot included."""


@dataclass(frozen=True)
class RunInfo:
    """run.json: everything known before the first trial; with a precision it is written once more after the pilot."""

    scenario: JsonObject
    """The scenario with all its values: name, description, …; see docs/using/formats.md."""
    seed: int
    """The source of all randomness in the run: streams, phases of clients, orders of trials."""
    plan: tuple[PlannedTrial, ...]
    transports: tuple[TransportStyle, ...]
    reference: str
    """The transport that the others are compared with."""
    target: str | None
    """URL of a server that was already running, or null if the harness started its own."""
    machine: JsonObject
    versions: JsonObject
    settings: JsonObject
    """Pinned defaults: compression, pings, keep-alive, access log, server options."""
    started_at: str
    precision: tuple[PointPrecision, ...] = ()
    """The results of the pilot, the first `repeats` blocks; the trials that it adds are part of the plan, in further
    blocks. Empty if the scenario asks for no precision, or the pilot was not finished."""
    asked: JsonObject = field(default_factory=dict)
    """The variables of `make bench` that this run was started with, as texts, to repeat it. SCENARIO is left out if it
    does not name a shipped scenario: the run's folder has a copy. If SEED is left out, the seed was random."""
    checkout: JsonObject | None = None
    """The version of the code: `commit`, and `clean`, whether there were no uncommitted changes; null outside a git
    checkout."""

    @property
    def started(self) -> datetime:
        """The start of the run, in UTC."""
        return parse_time(self.started_at)

    @property
    def base_parameters(self) -> Parameters:
        """The scenario's base parameters, for all its transports."""
        return Parameters.of(self.scenario["parameters"])

    @property
    def servers(self) -> tuple[str, ...]:
        """The names of the scenario's servers; the others are compared with the first."""
        return tuple(self.scenario.get("servers", {}))

    @property
    def running_servers(self) -> tuple[str, ...]:
        """The URLs of the servers that were already running, and not started for each trial."""
        urls = (self.target, *(table.get("url") for table in self.scenario.get("servers", {}).values()))
        return tuple(url for url in urls if url is not None)


@dataclass(frozen=True)
class TrialInfo:
    """trial.json: the schedule, the end and the circumstances of one trial."""

    index: int
    block: int
    point: int
    transport: str
    parameters: Parameters
    seed: int
    expected_events: int
    """Events every client must receive."""
    t0_ns: int
    """Start of the stream."""
    window_start_ns: int
    """Events due in [window_start_ns, window_end_ns) are measured; those before are warm-up."""
    window_end_ns: int
    end: str
    """`complete` (every client has every event that it can still receive) or `drain_limit`, `server_died`, `load_died`.
    """
    problems: tuple[str, ...]
    """Sentences about problems; usually empty."""
    capabilities: JsonObject
    """`kernel_stamps`, `tcp_info`: bool; `cpu_pinned`: {"server": […], "load": […]} or null; `clients_stamp`: whether
    the clients themselves stamp their events, as echoes do; `server_address`: numeric, with its port; `ip_version`: 4
    or 6, of the clients' traffic; `deflated`: whether each client that accepts compression was sent compressed data,
    null if none accepts it; `server_clock`: `offset_ns` of the server's clock against the trial's (0: one clock),
    `uncertainty_ns`, and `drift_ns` from before the stream to after it."""
    server_stats: JsonObject
    """GET /stats without `published`."""
    relay: JsonObject | None
    """The relay's report of its own accuracy; null if the network is not emulated."""
    timing_s: JsonObject
    """`set_up`, `stream`, `drain`, `tear_down`, `total`."""
    workers: tuple[WorkerInfo, ...] = ()
    """The load processes if there were several; empty if the load was a single process."""
    waking_ratio: float | None = None
    """Share of the server's CPU time for a held poll that is spent when the poll is answered, measured with a burst of
    empty polls after the stream; null if the server holds no polls, or is not one of the harness."""
    fixed_work_ns: tuple[int, ...] = ()
    """CPU time of the same piece of work on the server's core, before the trial and after it: how fast the machine was;
    empty in older runs."""

    @property
    def own_seed(self) -> int:
        """The seed of the planned trial's own random choices."""
        return _own_seed(self.seed, self.point)


def _own_seed(seed: int, point: int) -> int:
    return seed * 1000 + point


@dataclass(frozen=True)
class Trial:
    """A trial as read: its info and all its tables."""

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
    """The server's trace; None if no trace was asked for."""

    def save(self, folder: Path) -> None:
        """Write the tables, then trial.json: a folder with trial.json is complete."""
        folder.mkdir(parents=True, exist_ok=True)
        for table in self._tables().values():
            table.save(folder)
        write_json(folder / "trial.json", TRIAL_FORMAT, as_document(self.info))

    @classmethod
    def load(cls, folder: Path, planned: PlannedTrial | None = None) -> Self:
        """Read a finished trial's folder, and convert times that workers stamped on their own clocks to the trial's.

        Raise UserError if the files contradict each other or the `planned` trial.
        """
        path = folder / "trial.json"
        document = {"workers": [], "waking_ratio": None, "fixed_work_ns": [], **read_json(path, TRIAL_FORMAT)}
        check_fields(document, TRIAL, path)
        info = parse_record(TrialInfo, document, path)
        check_info(info, path)
        if planned is not None:
            check_planned(info, planned, path)
        recorded = cls(
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
        check_names(recorded, folder)
        trial = dataclasses.replace(recorded, **on_one_clock(recorded))
        check_times(trial, folder)
        return trial

    @property
    def clock_uncertainty_ns(self) -> int:
        """The uncertainty of the clients' clocks against the server's; 0 if they are the same clock."""
        server_clock = self.info.capabilities.get("server_clock") or {}
        alone = int(server_clock.get("uncertainty_ns", 0))
        return max((worker.uncertainty_ns for worker in self.info.workers), default=alone)

    @property
    def has_kernel_stamps(self) -> bool:
        """Whether arrival times are the kernel's."""
        return bool(self.info.capabilities.get("kernel_stamps")) and len(self.clock) > 0

    def arrivals_ns(self, rows: Deliveries) -> Ints:
        """Return when each of these deliveries arrived, by the kernel's stamp, or else by the client's own."""
        if not self.has_kernel_stamps:
            return rows.user_ns
        if len(self.info.workers) < 2:
            kernel_ns = self.clock.to_monotonic(rows.kernel_realtime_ns)
        else:
            kernel_ns = np.full(len(rows), NO_TIME_NS, dtype=np.int64)
            worker = worker_of_clients(self.info.workers, rows.client)
            for index in np.unique(self.clock.worker):
                own = worker == index
                pairs = self.clock.where(self.clock.worker == index)
                kernel_ns[own] = pairs.to_monotonic(rows.kernel_realtime_ns[own])
        return np.where(is_time(kernel_ns), kernel_ns, rows.user_ns)

    def _tables(self) -> Mapping[str, Table]:
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {name: table for name, table in fields.items() if isinstance(table, Table)}


def write_run_info(run_folder: Path, info: RunInfo) -> None:
    """Write run.json."""
    write_json(run_folder / "run.json", RUN_FORMAT, as_document(info))


def load_run_info(run_folder: Path) -> RunInfo:
    """Read run.json; raise UserError if the folder is not a run, or one of a newer version."""
    path = run_folder / "run.json"
    if not path.is_file():
        raise UserError(f"{run_folder}: not a run folder: it has no run.json (expected a folder below results/)")
    check_own_files(run_folder)
    document = _move_seed({"precision": [], "asked": {}, "checkout": None, **read_json(path, RUN_FORMAT)})
    check_fields(document, RUN, path)
    run = parse_record(RunInfo, document, path)
    for style in run.transports:
        _check_style(style, path)
    names = {style.name for style in run.transports}
    if unknown := {run.reference, *(planned.transport for planned in run.plan)} - names:
        raise UserError(f"{path}: {min(unknown)} is not one of its transports ({', '.join(sorted(names))})")
    _check_plan(run, path)
    return run


def _move_seed(document: JsonObject) -> JsonObject:
    """Move the seed from the scenario, where older runs have it, to the run and to `asked`."""
    scenario, asked = document.get("scenario"), document["asked"]
    if "seed" in document or not (isinstance(scenario, dict) and isinstance(asked, dict) and "seed" in scenario):
        return document
    stated = {name: value for name, value in scenario.items() if name != "seed"}
    return {**document, "scenario": stated, "seed": scenario["seed"], "asked": {**asked, "SEED": str(scenario["seed"])}}


def check_own_files(run_folder: Path) -> None:
    """Raise UserError if a run's folder holds a link or a special file, which may lead outside of it."""
    for folder, folders, files in os.walk(run_folder):
        for name in (*folders, *files):
            path = Path(folder, name)
            kind = path.lstat().st_mode
            if not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)):
                what = "a link" if stat.S_ISLNK(kind) else "not a regular file"
                raise UserError(f"{path}: {what} (expected the files of a run, and folders with them)")


def _check_plan(run: RunInfo, path: Path) -> None:
    """Raise UserError if a trial lacks a parameter, two trials are the same, or trials of one point differ in kind."""
    kinds: dict[int, tuple[str, Parameters]] = {}
    seen: set[tuple[int, int]] = set()
    required = {style.name: style.required_parameters for style in run.transports}
    for planned in run.plan:
        places = {f"plan: trial {planned.index}": planned.parameters, "scenario.parameters": run.base_parameters}
        for place, parameters in places.items():
            if missing := [name for name in required[planned.transport] if name not in parameters]:
                raise UserError(f"{path}: {place}: lacks {missing[0]} (expected for {planned.transport})")
        kind = (planned.transport, planned.parameters)
        if kinds.setdefault(planned.point, kind) != kind:
            raise UserError(
                f"{path}: plan: trial {planned.index} has another transport or other parameters than the "
                f"trials of point {planned.point} before it (expected the same)"
            )
        if (planned.point, planned.block) in seen:
            raise UserError(
                f"{path}: plan: trial {planned.index} is the second of point {planned.point} in block "
                f"{planned.block} (expected one)"
            )
        seen.add((planned.point, planned.block))


def _check_style(style: TransportStyle, path: Path) -> None:
    """Raise UserError if a value that names files, or is copied into drawings and style sheets, has an unsafe form."""
    expectations = {
        "name": (style.name, r"[a-z][a-z0-9_]{0,40}", "a name of small letters, digits and underscores"),
        "label": (style.label, r"[^\s](?:[^\n\t]{0,38}[^\s])?", "a line of at most 40 characters"),
        "colour": (style.colour, r"#[0-9A-Fa-f]{6}", "a colour such as #0072B2"),
        "marker": (style.marker, "[.,ov^<>1-8spP*hH+xXDd|_]", "a marker of Matplotlib's"),
    }
    for key, (value, pattern, expected) in expectations.items():
        if not re.fullmatch(pattern, value):
            raise UserError(f"{path}: transports: {key}: expected {expected}, not {ascii(value)[:80]}")


def set_aside_folders(run_folder: Path) -> list[Path]:
    """Return the folders of the attempts that the machine disturbed and that were repeated."""
    return sorted(path.parent for path in (run_folder / SET_ASIDE_FOLDER).glob("*/trial.json"))


def finished_trial_folders(run_folder: Path) -> list[Path]:
    """Return the folders of the trials that were recorded to the end, in the order in which they ran."""
    return sorted(path.parent for path in (run_folder / "trials").glob("*/trial.json"))
