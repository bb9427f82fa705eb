"""The load processes of a run: their number, their addresses, their start on this machine, and tracebacks in logs."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from contract.errors import UserError
from contract.records import JsonObject, PlannedTrial
from loadtests.engine.messages import WORKER_VARIABLE, WORKERS_FOLDER
from loadtests.load.trial_spec import TRIAL_VARIABLE, TrialSpec
from system.addresses import Endpoint, first_to_listen_on, reserved_port
from system.processes import PROJECT_FOLDER, Child
from system.processor import CorePlan

LOOPBACK = "127.0.0.1"
EVERYWHERE = ("0.0.0.0", "::", "*")
MASTER_PORT = 5557
"""Locust's default."""
LOCUSTFILE = PROJECT_FOLDER / "loadtests" / "engine" / "locustfile.py"
LOAD_LOG = "load.log"
SINGLE_THREADED = {"OPENBLAS_NUM_THREADS": "1"}
"""For a load process: it does no linear algebra, and starting NumPy's threads takes a twentieth of a second."""
_MOST_DIGITS = 9
_LOCAL_PATIENCE_S = 30.0
_REMOTE_PATIENCE_S = 120.0


@dataclass(frozen=True, slots=True)
class LoadProcesses:
    """The processes that make the load of each trial."""

    local: int = 1
    """Processes on this machine."""
    remote: int = 0
    """Workers on other machines (`make worker`)."""
    listen: str = LOOPBACK
    """The numeric address of server, relay and master."""
    port: int = MASTER_PORT
    """The master's port if there are remote workers; otherwise any free one is used."""

    @property
    def workers(self) -> int:
        """The number of Locust workers; 0 if a single process is the whole load and needs no master."""
        return 0 if self.local == 1 and not self.remote else self.local + self.remote

    @property
    def patience_s(self) -> float:
        """How long the master waits for the workers to connect."""
        return _REMOTE_PATIENCE_S if self.remote else _LOCAL_PATIENCE_S if self.workers else 0.0

    def as_settings(self) -> JsonObject:
        """Return the settings for run.json, without the default of a single process."""
        if not self.workers:
            return {} if self.listen == LOOPBACK else {"load": f"one process; server and relay listen on {self.listen}"}
        where = f", {self.remote} on other machines" if self.remote else ""
        return {"load": f"{self.workers} Locust workers under a master{where}; all listen on {self.listen}"}

    def make_variables(self) -> dict[str, str]:
        """Return the variables of `make bench` that set these processes."""
        listen = {"LISTEN": self.listen} if self.listen != LOOPBACK else {}
        if not self.workers:
            return listen
        own = {"PROCESSES": str(self.local)} if self.local else {}
        remote = {"WORKERS": str(self.remote)} if self.remote else {}
        port = {"MASTER_PORT": str(self.port)} if self.remote and self.port != MASTER_PORT else {}
        return {**own, **remote, **listen, **port}

    def waiting_message(self) -> str | None:
        """Return a sentence on the workers that the run waits for and how to start them; None if all are local."""
        if not self.remote:
            return None
        workers = "a worker" if self.remote == 1 else f"{self.remote} workers"
        port = "" if self.port == MASTER_PORT else f" MASTER_PORT={self.port}"
        return (
            f"waiting up to {self.patience_s:g} s for {workers}: make worker MASTER={self.listen}{port} on each machine"
        )


ONE_PROCESS = LoadProcesses()
"""The single process of an ordinary trial."""


def parse_load_processes(processes: str, workers: str, listen: str, port: str) -> LoadProcesses:
    """Parse the values of the command line, empty if not given; raise UserError if one is not usable."""
    remote = _count("WORKERS", workers, 0, least=0)
    own = _count("PROCESSES", processes, 0 if remote else 1, least=0 if remote else 1)
    listen = listen or LOOPBACK
    if listen in EVERYWHERE:
        raise UserError(f"LISTEN={listen}: no address that others can connect to (expected one of this machine's own)")
    try:
        address = first_to_listen_on(listen)
    except OSError as error:
        raise UserError(
            f"LISTEN={listen}: nothing can listen there: {error.strerror or error} "
            "(expected an address of this machine)"
        ) from error
    return LoadProcesses(own, remote, address, parse_master_port(port))


def parse_master_port(port: str) -> int:
    """Return the master's port, or Locust's default if none is given."""
    if not port:
        return MASTER_PORT
    found = _whole_number(port)
    if found is None or not 1 <= found <= 65535:
        raise UserError(f"MASTER_PORT={port}: not a port (expected 1 to 65535)")
    return found


def check_enough_clients(load_processes: LoadProcesses, trials: tuple[PlannedTrial, ...]) -> None:
    """Raise UserError if a trial has fewer clients than there are load processes."""
    fewest = min(trial.parameters.clients for trial in trials)
    if load_processes.workers > fewest:
        raise UserError(
            f"clients: the scenario has trials of {fewest}, too few for {load_processes.workers} load processes "
            "(expected at least one client for each: more clients, or fewer PROCESSES and WORKERS)"
        )


def start_load(
    spec: TrialSpec, folder: Path, load_processes: LoadProcesses, cores: CorePlan, running: ExitStack
) -> Child:
    """Start a trial's load processes, which end with `running`; return the process that writes the outcome."""
    users = str(max(load_processes.workers, 1))
    load = ["-m", "loadtests.engine.locust_process", "-f", str(LOCUSTFILE), "--loglevel", "WARNING"]
    main = [*load, "--headless", "-u", users, "-r", users, "--host", spec.url, "--only-summary"]
    environment = {TRIAL_VARIABLE: str(spec.write(folder)), **SINGLE_THREADED}
    if not load_processes.workers:
        return running.enter_context(Child(main, folder / LOAD_LOG, cores.load, environment))
    port = load_processes.port if load_processes.remote else running.enter_context(reserved_port(load_processes.listen))
    master_host = Endpoint(load_processes.listen, port).host_in_url
    main += ["--master", "--master-bind-host", master_host, "--master-bind-port", str(port)]
    main += ["--expect-workers", str(load_processes.workers)]
    master = running.enter_context(Child(main, folder / LOAD_LOG, environment=environment))
    for i in range(load_processes.local):
        own = folder / WORKERS_FOLDER / f"own-{i}"
        own.mkdir(parents=True)
        core = None if cores.load is None else (cores.load[i % len(cores.load)],)
        worker = [*load, "--worker", "--master-host", master_host, "--master-port", str(port)]
        running.enter_context(Child(worker, own / LOAD_LOG, core, {WORKER_VARIABLE: str(own), **SINGLE_THREADED}))
    return master


def _count(name: str, given: str, default: int, *, least: int) -> int:
    if not given:
        return default
    found = _whole_number(given)
    if found is None or found < least:
        raise UserError(f"{name}={given}: not a number of load processes (expected a whole number, at least {least})")
    return found


def _whole_number(text: str) -> int | None:
    # Python itself refuses to read numbers of thousands of digits.
    return int(text) if text.isdecimal() and len(text) <= _MOST_DIGITS else None


_START = "Traceback (most recent call last):"


def traceback_problem(who: str, log: Path) -> str | None:
    """Return a sentence with the number of tracebacks in a log and the first exception; None without any, or a log.

    gevent prints an exception raised in a callback and goes on: the trial ends as planned, and nothing else in its
    records shows that the callback's work is missing.
    """
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return None
    starts = [i for i, line in enumerate(lines) if line.startswith(_START)]
    if not starts:
        return None
    ends = (line for line in lines[starts[0] + 1 :] if line and not line[0].isspace())
    number = "a traceback" if len(starts) == 1 else f"{len(starts)} tracebacks, the first"
    return f"{who} printed {number} of {next(ends, 'an exception')!r} (expected none): see its log, which was kept"
