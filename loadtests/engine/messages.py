"""The messages between the master of a trial and its workers, over Locust's own channel.

Their order: HELLO, TRIAL (or REFUSED), READY (or FAILED), BEGIN, any number of RECORDS, FINISHED, OVER. Below, each has
its sender and its data.
"""

from __future__ import annotations

import dataclasses
import socket
import tomllib
from dataclasses import dataclass
from pathlib import Path

from contract.records import TRIAL_FORMAT, JsonObject, version_of
from system.processes import PROJECT_FOLDER

WORKER_VARIABLE = "PUSH_VS_POLL_WORKER"
"""Environment variable of a Locust worker that takes part in trials: the folder for its records."""
WORKERS_FOLDER = "workers"
"""In the trial's folder while it runs: the records received from each worker."""

JOINED_FILE, END_FILE = "joined", "end.json"
"""In a worker's folder: a file created when the worker has found its master, and a JSON object with its `end` and the
`reason`."""

HELLO = "pvp_hello"
"""Worker: its `Identity`."""
FAILED = "pvp_failed"
"""Worker: `reason`, why it cannot take part."""
READY = "pvp_ready"
"""Worker: all its clients are ready; its reading of the server's clock, `offset_ns` and `round_trip_ns`, and its
kernel's features, `kernel_stamps` and `tcp_info`."""
RECORDS = "pvp_records"
"""Worker: the next `piece` of the `file` of a table, after the end of the trial."""
FINISHED = "pvp_finished"
"""Worker: `end`, `problems`, `deflated` (as in its Recorder), its second reading of the clock, and `sizes_bytes` of the
files that it has sent."""

REFUSED = "pvp_refused"
"""Master: `reason`, why this worker takes no part in the trial, and whether it `may_come_again`."""
TRIAL = "pvp_trial"
"""Master: `spec`, a TrialSpec, and the numbers of this worker's clients, `first` and `count`."""
BEGIN = "pvp_begin"
"""Master: `t0_ns`, when the stream starts on this worker's own clock."""
OVER = "pvp_over"
"""Master: it has all records of this worker, which may delete its own; whether `more_follow`."""

TO_WORKER = (REFUSED, TRIAL, BEGIN, OVER)


@dataclass(frozen=True)
class Identity:
    """A load process: the program that it runs and the machine that it is on."""

    project: str
    """The project's version."""
    records: int
    """The version of the records that it writes."""
    host: str
    boot_id: str
    """The same for all processes of one running kernel; empty if the system has none."""

    @classmethod
    def own(cls) -> Identity:
        """Return the identity of this process."""
        project = tomllib.loads((PROJECT_FOLDER / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        try:
            boot_id = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        except OSError:
            boot_id = ""
        # A container of its own has the kernel's boot_id, and another machine may have its host name.
        return cls(project["version"], version_of(TRIAL_FORMAT), socket.gethostname(), boot_id)

    def as_json(self) -> JsonObject:
        """Return the data of a HELLO message."""
        return dataclasses.asdict(self)

    def same_machine(self, other: Identity) -> bool:
        """Return whether both are known to run on the same kernel."""
        return bool(self.boot_id) and self.boot_id == other.boot_id

    def mismatch(self, worker: Identity) -> str | None:
        """Return why a worker's version does not fit this master's; None if it does."""
        ours, theirs = (self.project, self.records), (worker.project, worker.records)
        if ours == theirs:
            return None
        return (
            f"the worker on {worker.host} is of version {theirs[0]} with records of version {theirs[1]}, its master of "
            f"version {ours[0]} with records of version {ours[1]} (expected the same: use one checkout on all machines)"
        )
