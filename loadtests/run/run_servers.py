"""The servers of a run: their sources, and checks before the first trial that its trials can be measured on them."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

import numpy as np

from contract.errors import UserError
from contract.faults import FaultSpecError, parse_fault
from contract.parameters import DEFAULTS, SERVER_PARAMETERS
from contract.records import Ints, PlannedTrial
from contract.stream import due_offsets_ns, payloads
from contract.transports import TRANSPORTS
from contract.wire import DEFAULT_HISTORY_EVENTS, MAX_EVENTS, MAX_HISTORY_BYTES, history_bytes
from loadtests.control_client import ControlClient
from loadtests.load.trial_spec import TraceAndFaults
from loadtests.plan.blocks import stream_spec
from loadtests.plan.scenario import Scenario
from loadtests.plan.servers import NamedServer
from loadtests.plan.toml_values import toml_value
from loadtests.trial.trial_server import SERVER_LOG, CommandServer, OwnServer, ServerSource, TrialServer
from system.addresses import Target

START_PATIENCE_S = 15.0
_LOOK_PERIOD_S = 0.05


def find_servers(scenario: Scenario, target_url: str | None) -> Mapping[str | None, ServerSource]:
    """Return the source of each server of a run by its name; the name is None if the scenario names no servers.

    Raise UserError if one that should be running does not accept a connection.
    """
    if not scenario.servers:
        return {None: OwnServer() if target_url is None else Target.find(target_url)}
    return {server.name: _source(server) for server in scenario.servers}


def _source(server: NamedServer) -> ServerSource:
    if server.url is not None:
        return Target.find(server.url, f"servers.{server.name}.url = ")
    return OwnServer(server.stack) if server.command is None else CommandServer(server)


def without_server_parameters(
    scenario: Scenario, trials: tuple[PlannedTrial, ...], target: str
) -> tuple[PlannedTrial, ...]:
    """Return trials without the parameters of the server, which are not known for a running server."""
    if scenario.servers:
        raise UserError(f"TARGET={target}: scenario {scenario.name} names its own servers (expected no TARGET)")
    for trial in trials:
        for name in SERVER_PARAMETERS:
            if trial.parameters[name] != DEFAULTS[name]:
                setting = f"{name} = {toml_value(trial.parameters[name])}"
                raise UserError(
                    f"{target}: {setting} cannot be set on a server that is already "
                    "running (expected a scenario that does not choose it, or no TARGET)"
                )
    return tuple(replace(trial, parameters=trial.parameters.without(*SERVER_PARAMETERS)) for trial in trials)


def check_server(
    name: str | None,
    source: ServerSource,
    trials: Sequence[PlannedTrial],
    trace_and_faults: TraceAndFaults,
    address: str,
) -> None:
    """Check a server that is not the harness's own; raise UserError if its trials cannot be measured.

    A command is started for the check, on a port of `address`, as for each trial.
    """
    if isinstance(source, Target):
        given = f"TARGET={source.url}" if name is None else f"servers.{name}.url = {source.url}"
        _check_target(source, trials, trace_and_faults, given)
    elif isinstance(source, CommandServer):
        with tempfile.TemporaryDirectory() as folder, ExitStack() as running:
            started = _start(source, address, Path(folder) / SERVER_LOG, running)
            target = Target(started.endpoint.url, started.endpoint)
            _check_target(target, trials, trace_and_faults, str(source.named))


def _start(source: CommandServer, address: str, log: Path, running: ExitStack) -> TrialServer:
    """Start a command and wait until its server answers; raise UserError with its last output if it does not."""
    try:
        started = source.start(address, log, None, running)
    except UserError as error:
        raise UserError(f"{source.named}: {error}") from error
    deadline_s = time.monotonic() + START_PATIENCE_S
    with closing(ControlClient(started.endpoint.url)) as control:
        while True:
            try:
                control.transports()
            except UserError as error:
                _check_runs(source, started)
                if time.monotonic() > deadline_s:
                    raise UserError(
                        f"{source.named}: not ready within {START_PATIENCE_S:g} s: {error}; its last output: "
                        f"{_last_output(started)}"
                    ) from error
                time.sleep(_LOOK_PERIOD_S)
            else:
                _check_runs(source, started)
                return started


def _check_runs(source: CommandServer, started: TrialServer) -> None:
    if started.process is not None and (status := started.process.exit_code) is not None:
        raise UserError(
            f"{source.named}: ended at once with exit status {status}: {_last_output(started)} (expected a server that "
            "runs until it is ended)"
        )


def _last_output(started: TrialServer) -> str:
    return "" if started.process is None else started.process.last_output()


def _check_target(target: Target, trials: Sequence[PlannedTrial], trace_and_faults: TraceAndFaults, given: str) -> None:
    with closing(ControlClient(target.endpoint.url, target.host)) as control:
        offered = control.transports()
        if trace_and_faults.trace:
            control.trace()
    for name in dict.fromkeys(trial.transport for trial in sorted(trials, key=lambda trial: trial.point)):
        if name not in offered:
            raise UserError(f"{given}: does not offer {name} (it offers {', '.join(offered) or 'nothing'})")
    # gevent and the clients are imported only if a target is checked.
    from loadtests.run.target_check import check_transports  # noqa: PLC0415

    check_transports(target, trials, given)


def check_server_limits(scenario: Scenario, trials: tuple[PlannedTrial, ...]) -> None:
    """Raise UserError if a stream exceeds a server's limits, or the events that it keeps between two polls."""
    for trial in trials:
        if not TRANSPORTS[trial.transport].kind.clients_send:
            _check_stream(f"scenario {scenario.name}: {trial.transport} at {_stream_in_words(trial)}", trial)


def _check_stream(what: str, trial: PlannedTrial) -> None:
    spec = stream_spec(trial)
    expected = spec.rate_per_s * spec.duration_s
    # Far beyond the limit, computing the due times would itself exhaust the memory.
    offsets_ns = due_offsets_ns(spec) if expected < 2 * MAX_EVENTS else np.empty(0, dtype=np.int64)
    events = len(offsets_ns) or round(expected)
    if events > MAX_EVENTS:
        raise UserError(
            f"{what} has {events} events, more than the {MAX_EVENTS} that a server takes "
            "(expected a lower rate or a shorter trial)"
        )
    needed_bytes = history_bytes(events, DEFAULT_HISTORY_EVENTS, payloads(spec))
    if needed_bytes > MAX_HISTORY_BYTES:
        raise UserError(
            f"{what} with payload_bytes = {spec.payload_bytes} has a history of {needed_bytes} bytes, more than the "
            f"{MAX_HISTORY_BYTES} that a server keeps (expected smaller payloads or fewer events)"
        )
    gap_s = _between_reads_s(trial)
    most = _most_within(offsets_ns, round(gap_s * 1e9))
    if most > DEFAULT_HISTORY_EVENTS:
        raise UserError(
            f"{what} has {most} events within the {gap_s:g} s between two polls, more than the "
            f"{DEFAULT_HISTORY_EVENTS} that a server keeps (expected a lower rate or more frequent polls)"
        )


def _stream_in_words(trial: PlannedTrial) -> str:
    parameters = trial.parameters
    stream_s = parameters.warm_up_s + parameters.measured_s
    return f"rate_per_s = {parameters.rate_per_s:g} for {stream_s:g} s"


def _between_reads_s(trial: PlannedTrial) -> float:
    """Return the least time between two polls of a client as the server receives them; 0 without polls or a cursor."""
    parameters = trial.parameters
    if not TRANSPORTS[trial.transport].polling or not parameters.cursor:
        return 0.0
    round_trip_s = 2 * parameters.one_way_delay_ms / 1000
    return max(parameters.longest_wait_for_poll_s, round_trip_s)


def _most_within(offsets_ns: Ints, span_ns: int) -> int:
    """Return the largest number of events within any span of this length."""
    ends = np.searchsorted(offsets_ns, offsets_ns + span_ns, side="left")
    return int((ends - np.arange(len(offsets_ns))).max(initial=0)) if span_ns else 0


def checked_faults(specs: tuple[str, ...], scenario: Scenario, target: str | None) -> tuple[str, ...]:
    """Return the specifications in their shortest form; raise UserError if one is invalid or does not apply."""
    if not specs:
        return ()
    if target is not None:
        raise UserError(f"--fault {specs[0]}: not for the server at {target} (give it --fault where it is started)")
    for server in scenario.servers:
        if server.stack is None:
            raise UserError(f"--fault {specs[0]}: not for {server} (expected servers of the harness alone)")
    for name in scenario.transports:
        if TRANSPORTS[name].kind.clients_send:
            raise UserError(f"--fault {specs[0]}: {name} carries no event stream (expected a scenario without echoes)")
    for point in scenario.points():
        if (processes := point.parameters.server_processes) > 1:
            raise UserError(
                f"--fault {specs[0]}: not with server_processes = {processes} (expected 1: faults number clients in "
                "the order in which they connect, which several processes do not know)"
            )
    try:
        return tuple(str(parse_fault(spec)) for spec in specs)
    except FaultSpecError as error:
        raise UserError(str(error)) from error
