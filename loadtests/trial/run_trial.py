"""One trial: a fresh server, a fresh relay if the network is emulated, fresh load processes, and their records."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from contract.errors import UserError
from contract.records import (
    Clients,
    ClockPairs,
    Deliveries,
    JsonObject,
    LoopLag,
    PlannedTrial,
    Requests,
    SampleRole,
    Samples,
    Sockets,
    Trial,
    disturbances,
)
from contract.transports import TRANSPORTS
from loadtests.control_client import ControlClient
from loadtests.engine.load_processes import LOAD_LOG, ONE_PROCESS, LoadProcesses, start_load, traceback_problem
from loadtests.engine.messages import WORKERS_FOLDER
from loadtests.load.trial_spec import (
    OUTCOME_FILE,
    SPEC_FILE,
    WINDOW_FILE,
    LoadOutcome,
    MeasuredWindow,
    TraceAndFaults,
    TrialSpec,
)
from loadtests.plan.durations import connect_patience_s, drain_limit_s, trial_seconds
from loadtests.trial.resource_samples import ResourceSampler, WindowEdges
from loadtests.trial.trial_records import count_events, published_events, trial_info, written_events
from loadtests.trial.trial_server import SERVER_LOG, CommandServer, ServerSource, TrialServer, listening
from loadtests.trial.waking_ratio import measure_waking_ratio
from system.addresses import Endpoint, Target, reserved_port
from system.fixed_work import fixed_work_ns
from system.processes import Child, observing
from system.processor import CorePlan

_RELAY_LOG = "relay.log"
_SAMPLE_PERIOD_S = 0.2
_FULL_DISK_BYTES = 1_000_000
_GRACE_S = 30.0
"""Time beyond the planned time, the patience with connecting and the drain limit: a load process that takes longer
hangs."""


@dataclass(frozen=True, slots=True)
class RunContext:
    """The settings of a trial that do not depend on its point."""

    cores: CorePlan
    servers: Mapping[str | None, ServerSource]
    """The source of a trial's server by the parameter `server`, which is None if the scenario names no servers."""
    on_tick: Callable[[float], None]
    """Called a few times a second with the seconds this trial has taken so far."""
    trace_and_faults: TraceAndFaults
    load_processes: LoadProcesses = ONE_PROCESS
    more_follow: bool = False
    """Whether the run has trials after this one."""


def run_trial(trial: PlannedTrial, folder: Path, context: RunContext) -> list[str]:
    """Run one trial and write its records to `folder`; return how the machine disturbed it, usually nothing.

    Raise UserError if it cannot be carried out; then none of its records count, and the folder has no trial.json.
    """
    folder.mkdir(parents=True)
    started_s = time.monotonic()
    server_cores = context.cores.server
    fixed_work_before_ns = fixed_work_ns(server_cores)
    with ExitStack() as running:
        processes = _Processes(trial, folder, context, running)
        outcome = processes.watch_load(started_s)
        stats, trace = processes.server_statistics()
        waking_ratio = processes.measure_waking_ratio()
        server_problem = processes.server_problem(outcome)
        processes.terminate_server()
        relay = processes.stop_relay()
    problems = {
        folder / SERVER_LOG: server_problem,
        folder / LOAD_LOG: traceback_problem("the load process", folder / LOAD_LOG),
        folder / _RELAY_LOG: traceback_problem("the relay", folder / _RELAY_LOG),
    }
    outcome = replace(outcome, problems=(*outcome.problems, *filter(None, problems.values())))
    record = Trial(
        info=trial_info(
            trial,
            outcome,
            stats,
            relay,
            waking_ratio,
            (fixed_work_before_ns, fixed_work_ns(server_cores)),
            processes.cores,
            processes.server,
            processes.clients_connect_to,
            started_s,
            time.monotonic(),
        ),
        deliveries=Deliveries.load(folder),
        requests=Requests.load(folder),
        sockets=Sockets.load(folder),
        clients=Clients.load(folder),
        published=published_events(trial, outcome, stats),
        samples=processes.samples(),
        clock=ClockPairs.load(folder),
        loop_lag=LoopLag.load(folder),
        written=written_events(trace, outcome),
    )
    record.save(folder)
    temporary = [folder / name for name in (SPEC_FILE, WINDOW_FILE, OUTCOME_FILE)]
    for path in (*temporary, *(log for log, problem in problems.items() if problem is None)):
        path.unlink(missing_ok=True)
    # Workers report the tracebacks in their own logs, since some of them are on other machines.
    for log in sorted((folder / WORKERS_FOLDER).glob(f"*/{LOAD_LOG}")):
        if traceback_problem("", log):
            log.replace(folder / f"{log.parent.name}-{LOAD_LOG}")
    shutil.rmtree(folder / WORKERS_FOLDER, ignore_errors=True)
    # Reading the trial converts times that workers stamped on their own clocks.
    return disturbances(Trial.load(folder) if record.info.workers else record)


class _Processes:
    """Server, relay and load of one trial, all on `running`, which ends them whatever happens."""

    def __init__(self, trial: PlannedTrial, folder: Path, context: RunContext, running: ExitStack) -> None:
        self._trial = trial
        self._folder = folder
        self._on_tick = context.on_tick
        self._load_processes = load_processes = context.load_processes
        # Clients that send have no deliveries of the server's to trace.
        self._traced = context.trace_and_faults.trace and not TRANSPORTS[trial.transport].kind.clients_send
        self.sampler = ResourceSampler()
        self._relay: Child | None = None
        source = context.servers[trial.parameters.server]
        self._by_command = isinstance(source, CommandServer)
        cores = context.cores.for_server_processes(trial.parameters.server_processes)
        # A target was started elsewhere: it does not run on the core that is planned for a server.
        self.cores = cores = replace(cores, server=None) if isinstance(source, Target) else cores
        started = self._start_server(source, context.trace_and_faults, running)
        self._server, self.server, self._host = started.process, started.endpoint, started.host
        if self._server is not None:
            self.sampler.watch(SampleRole.SERVER, self._server.pid, with_children=started.with_children)
        self.clients_connect_to = self._start_relay(running)
        spec = TrialSpec(
            trial,
            self.clients_connect_to.url,
            self.server.url,
            self._host,
            context.trace_and_faults,
            load_processes.workers,
            load_processes.patience_s,
            context.more_follow,
        )
        self._load = start_load(spec, folder, load_processes, cores, running)
        if not load_processes.workers:
            self.sampler.watch(SampleRole.LOAD, self._load.pid)

    def samples(self) -> Samples:
        """Return the samples of all processes; workers sample themselves."""
        own = self.sampler.table()
        return own.followed_by(Samples.load(self._folder)) if self._load_processes.workers else own

    def _start_server(self, source: ServerSource, trace_and_faults: TraceAndFaults, running: ExitStack) -> TrialServer:
        address, log = self._load_processes.listen, self._folder / SERVER_LOG
        if isinstance(source, Target):
            return TrialServer(source.endpoint, source.host)
        if isinstance(source, CommandServer):
            return source.start(address, log, self.cores.server, running)
        options = [*(["--trace"] if self._traced else []), *(f"--fault={spec}" for spec in trace_and_faults.faults)]
        return source.start(self._trial, address, options, log, self.cores.server, running)

    def _start_relay(self, running: ExitStack) -> Endpoint:
        """Start the relay if the network is emulated; return where clients must connect."""
        delay_ms = self._trial.parameters.one_way_delay_ms
        if not delay_ms:
            return self.server
        port = running.enter_context(reserved_port(self._load_processes.listen))
        endpoint = Endpoint(self._load_processes.listen, port)
        relay = ["-m", "servers", "relay", *listening(endpoint)]
        relay += ["--to", str(self.server), "--delay-ms", f"{delay_ms:g}"]
        self._relay = running.enter_context(Child(relay, self._folder / _RELAY_LOG, self.cores.load))
        self.sampler.watch(SampleRole.RELAY, self._relay.pid)
        return endpoint

    def watch_load(self, started_s: float) -> LoadOutcome:
        """Sample until the load process has ended; raise UserError if another process ends."""

        def observe() -> None:
            self.sampler.read()
            self._on_tick(time.monotonic() - started_s)

        with observing(observe, _SAMPLE_PERIOD_S):
            self._wait_for_load(started_s)
        return self._load_outcome()

    def _wait_for_load(self, started_s: float) -> None:
        parameters = self._trial.parameters
        connecting_s = connect_patience_s(parameters)
        limit_s = trial_seconds(parameters) + connecting_s + drain_limit_s(parameters) + _GRACE_S
        limit_s += self._load_processes.patience_s
        edges = WindowEdges(self._window_ns)
        while self._load.wait(edges.wait_s(_SAMPLE_PERIOD_S)) is None:
            # Here and not with the other samples: their thread runs only when the core is otherwise idle.
            if edges.passed():
                self.sampler.read()
            elapsed_s = time.monotonic() - started_s
            self._check_others()
            if elapsed_s > limit_s:
                raise UserError(
                    f"{self._folder.name}: still running after {elapsed_s:.0f} s (expected at most {limit_s:.0f} s)"
                )

        # If the server has ended, the load may end before it is noticed; the server's error is the cause.
        self._check_others()

    def _window_ns(self) -> tuple[int, ...]:
        window = MeasuredWindow.read(self._folder)
        return () if window is None else (window.start_ns, window.end_ns)

    def _check_others(self) -> None:
        for name, child in (("server", self._server), ("relay", self._relay)):
            if child is not None and child.exit_code is not None:
                raise UserError(
                    f"{self._folder.name}: the {name} ended in mid-trial with exit status {child.exit_code}: "
                    f"{child.last_output()} (expected it to run until the load is done; its log: {child.log})"
                )

    def _load_outcome(self) -> LoadOutcome:
        outcome = LoadOutcome.read(self._folder)
        if outcome is None and shutil.disk_usage(self._folder).free < _FULL_DISK_BYTES:
            raise UserError(f"{self._folder}: no space left on its disk (expected room for the trial's records)")
        if outcome is None:
            raise UserError(
                f"{self._folder.name}: the load process ended with exit status {self._load.exit_code} before its "
                f"records were written: {self._load.last_output()} (its log: {self._load.log})"
            )
        if outcome.end == "failed":
            raise UserError(self._with_last_output(f"{self._folder.name}: {outcome.failure}"))
        return outcome

    def server_problem(self, outcome: LoadOutcome) -> str | None:
        """Return a sentence with the last output of a command's server if the trial has problems; otherwise None."""
        if self._server is None or not self._by_command or (outcome.end == "complete" and not outcome.problems):
            return None
        line = self._server.last_line()
        return None if line is None else f"the server's last output: {line} (its log was kept)"

    def _with_last_output(self, error: str) -> str:
        """Append the server's last output to an error, since only the server may know the cause."""
        if self._server is None or (line := self._server.last_line()) is None:
            return error
        return f"{error}; the server's last output: {line} (its log: {self._server.log})"

    def server_statistics(self) -> tuple[JsonObject, bytes | None]:
        """Return the server's statistics of the trial, and its trace if one was asked for."""
        control = ControlClient(self.server.url, self._host)
        try:
            return control.stats(), control.trace() if self._traced else None
        except UserError as error:
            raise UserError(self._with_last_output(f"{self._folder.name}: {error}")) from error
        finally:
            control.close()

    def measure_waking_ratio(self) -> float | None:
        """Return the waking ratio of a server that this trial started and that holds requests; None for any other."""
        if self._server is None or not TRANSPORTS[self._trial.transport].kind.server_holds:
            return None
        polls, last_seq = self._trial.parameters.clients, count_events(self._trial)
        return measure_waking_ratio(
            self.server, self._host, polls, last_seq, lambda: self.sampler.cpu_time_ns(SampleRole.SERVER)
        )

    def terminate_server(self) -> None:
        """Send SIGTERM to the server, which ends while the relay is stopped."""
        if self._server is not None:
            self._server.terminate()

    def stop_relay(self) -> JsonObject | None:
        """Stop the relay and return the statistics that it prints when it ends."""
        if self._relay is None:
            return None
        self._relay.stop()
        for line in reversed(self._relay.output().splitlines()):
            if line.startswith("{") and "lateness_us" in line:
                statistics: JsonObject = json.loads(line)
                return statistics
        raise UserError(f"{self._folder.name}: the relay printed no statistics: {self._relay.last_output()}")
