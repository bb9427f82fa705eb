"""The servers of a run: where each comes from, and a check before the first trial that it can be measured."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

from contract.errors import UserError
from contract.parameters import DEFAULTS, SERVER_PARAMETERS
from contract.records import PlannedTrial
from loadtests.control_client import ControlClient
from loadtests.load.trial_spec import TraceAndFaults
from loadtests.plan.scenario import Scenario
from loadtests.plan.servers import NamedServer
from loadtests.plan.toml_values import toml_value
from loadtests.trial.trial_server import SERVER_LOG, CommandServer, OwnServer, ServerSource, TrialServer
from system.addresses import Target

START_PATIENCE_S = 15.0
_LOOK_PERIOD_S = 0.05


def find_servers(scenario: Scenario, target_url: str | None) -> Mapping[str | None, ServerSource]:
    """Return where each server of a run comes from, by name: None if the scenario names none.

    Raise UserError if one that should be running does not accept a connection.
    """
    if not scenario.servers:
        return {None: OwnServer() if target_url is None else Target.find(target_url)}
    return {server.name: _source(server) for server in scenario.servers}


def _source(server: NamedServer) -> ServerSource:
    if server.url is not None:
        return Target.find(server.url, f"servers.{server.name}.url = ")
    return OwnServer(server.stack) if server.command is None else CommandServer(server)


def of_unknown_server(scenario: Scenario, trials: tuple[PlannedTrial, ...], target: str) -> tuple[PlannedTrial, ...]:
    """Return trials without the server's own parameters, which are not known of a running server."""
    if scenario.servers:
        raise UserError(f"TARGET={target}: scenario {scenario.name} names its own servers (expected no TARGET)")
    for trial in trials:
        for name in SERVER_PARAMETERS:
            if trial.parameters[name] != DEFAULTS[name]:
                asked = f"{name} = {toml_value(trial.parameters[name])}"
                raise UserError(
                    f"{target}: {asked} cannot be asked of a server that is already "
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
    """Try a server that is not the harness's own; raise UserError if its trials could not be measured.

    For that, a command is started on a port of `address`, as for each trial.
    """
    if isinstance(source, Target):
        given = f"TARGET={source.url}" if name is None else f"servers.{name}.url = {source.url}"
        _check_target(source, trials, trace_and_faults, given)
    elif isinstance(source, CommandServer):
        with tempfile.TemporaryDirectory() as folder, ExitStack() as running:
            started = _started(source, address, Path(folder) / SERVER_LOG, running)
            target = Target(started.endpoint.url, started.endpoint)
            _check_target(target, trials, trace_and_faults, str(source.named))


def _started(source: CommandServer, address: str, log: Path, running: ExitStack) -> TrialServer:
    """Start a command and wait until its server answers; raise UserError with its last words if it does not."""
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
                        f"{source.named}: not ready within {START_PATIENCE_S:g} s: {error}; its last words: "
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
