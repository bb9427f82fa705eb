"""The input and output of a trial's load: JSON files in the trial's folder."""

from __future__ import annotations

import dataclasses
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contract.parameters import Parameters
from contract.records import JsonObject, PlannedTrial, WorkerInfo, as_document
from loadtests.server_clock import ServerClock

TRIAL_VARIABLE = "PUSH_VS_POLL_TRIAL"
"""Environment variable that names the spec's file; without it the locustfile is used by hand."""
SPEC_FILE = "load-spec.json"
WINDOW_FILE = "load-window.json"
OUTCOME_FILE = "load-outcome.json"


@dataclass(frozen=True)
class TraceAndFaults:
    """The options of a run that change its servers: a trace, which costs CPU time, and faults; off by default."""

    trace: bool = False
    """The server records when it wrote each delivery (`python -m servers … --trace`), and clients send their numbers.
    """
    faults: tuple[str, ...] = ()
    """Faults of the servers (docs/using/faults.md), which make the run INVALID; empty with a target."""

    def as_settings(self) -> JsonObject:
        """Return the settings for run.json; empty for options that are off."""
        return {
            **({"trace": "on: the server records each write, clients send their numbers"} if self.trace else {}),
            **({"faults": list(self.faults)} if self.faults else {}),
        }

    def make_variables(self) -> dict[str, str]:
        """Return the variables of `make bench` that set these options."""
        return {
            **({"TRACE": "1"} if self.trace else {}),
            **({"FAULT": " ".join(self.faults)} if self.faults else {}),
        }


@dataclass(frozen=True)
class TrialSpec:
    """The input of a trial's load process."""

    trial: PlannedTrial
    url: str
    """The clients' address: the server's, or that of the relay before it; numeric."""
    control_url: str
    """The server's own numeric address, so that control requests are not delayed."""
    host: str
    """The Host header of all requests: the server's name as it was given, even with a relay before it."""
    trace_and_faults: TraceAndFaults
    workers: int = 0
    """The number of Locust workers that share the load; 0: the process that reads this is the whole load."""
    workers_patience_s: float = 0.0
    """How long their master waits for them to connect."""
    more_follow: bool = False
    """Whether workers should come again after this trial."""

    def write(self, folder: Path) -> Path:
        """Write the spec to the trial's folder, and return its path."""
        path = folder / SPEC_FILE
        path.write_text(json.dumps(self.as_json()), encoding="utf-8")
        return path

    @classmethod
    def read(cls, path: Path) -> TrialSpec:
        """Read a spec that `write` has written."""
        return cls.from_json(json.loads(path.read_text(encoding="utf-8")))

    def as_json(self) -> JsonObject:
        """Return the spec for a file or a message."""
        document: JsonObject = as_document(self)
        return document

    @classmethod
    def from_json(cls, fields: JsonObject) -> TrialSpec:
        """Build a spec from its document; the inverse of `as_json`."""
        options = fields["trace_and_faults"]
        trace_and_faults = TraceAndFaults(**{**options, "faults": tuple(options["faults"])})
        parameters = Parameters.of(fields["trial"]["parameters"])
        trial = PlannedTrial(**{**fields["trial"], "parameters": parameters})
        return cls(**{**fields, "trial": trial, "trace_and_faults": trace_and_faults})


@dataclass(frozen=True)
class MeasuredWindow:
    """Both ends of the measured window on this machine's monotonic clock, known once the stream has been posted."""

    start_ns: int
    end_ns: int

    def write(self, folder: Path) -> None:
        """Write the window to the trial's folder, completely or not at all."""
        partial = (folder / WINDOW_FILE).with_suffix(".partial")
        partial.write_text(json.dumps(dataclasses.asdict(self)), encoding="utf-8")
        partial.replace(folder / WINDOW_FILE)

    @classmethod
    def read(cls, folder: Path) -> MeasuredWindow | None:
        """Read the window; None if the stream has not been posted yet."""
        try:
            return cls(**json.loads((folder / WINDOW_FILE).read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None


@dataclass(frozen=True)
class LoadOutcome:
    """The outcome of a trial's load; its tables are in the same folder."""

    t0_ns: int
    window_start_ns: int
    window_end_ns: int
    """The stream ends with the window."""
    finished_ns: int
    end: str
    """`complete`, `drain_limit` or `failed`."""
    failure: str
    """One sentence if `end` is `failed`."""
    problems: tuple[str, ...]
    kernel_stamps: bool
    tcp_info: bool
    server_clock: JsonObject
    """A `ServerClock`: the server's clock against the load's."""
    workers: tuple[WorkerInfo, ...] = ()
    """Empty if the load was a single process."""
    deflated: bool | None = None
    """As in the Recorder, for all load processes together."""

    @classmethod
    def failed(cls, failure: str) -> LoadOutcome:
        """Return the outcome of a trial that could not be carried out."""
        now_ns = time.monotonic_ns()
        clock = dataclasses.asdict(ServerClock(0, 0, 0))
        return cls(0, 0, now_ns, now_ns, "failed", failure, (), False, False, clock)

    def write(self, folder: Path) -> None:
        """Write the outcome to the trial's folder."""
        (folder / OUTCOME_FILE).write_text(json.dumps(dataclasses.asdict(self)), encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> LoadOutcome | None:
        """Read the outcome; None if the load process has not written it."""
        try:
            fields: dict[str, Any] = json.loads((folder / OUTCOME_FILE).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        workers = tuple(WorkerInfo(**worker) for worker in fields["workers"])
        return cls(**{**fields, "problems": tuple(fields["problems"]), "workers": workers})
