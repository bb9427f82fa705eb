"""The server of one trial: one of the harness's own, a command's, or one that is already running."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from contract.parameters import SERVER_OPTIONS, Parameters, Stack, server_option
from contract.records import PlannedTrial
from contract.transports import TRANSPORTS
from loadtests.plan.servers import NamedServer
from system.addresses import Endpoint, Target, reserved_port
from system.processes import Child, ProgramGroup

SERVER_LOG = "server.log"


@dataclass(frozen=True, slots=True)
class TrialServer:
    """A server of one trial."""

    endpoint: Endpoint
    """Where it listens."""
    host: str
    """The Host header of requests to it."""
    process: Child | None = None
    """The process that ends with the trial; None if the server was already running."""
    with_children: bool = False
    """Whether the process may have started others, which belong to the server."""


@dataclass(frozen=True, slots=True)
class OwnServer:
    """A server of the harness, started for each trial."""

    stack: Stack | None = None
    """None for the stack in the trial's parameters."""

    def start(
        self,
        trial: PlannedTrial,
        address: str,
        options: Sequence[str],
        log: Path,
        cores: tuple[int, ...] | None,
        running: ExitStack,
    ) -> TrialServer:
        """Start the server on a free port of `address`, to end with `running`; `options` add to the parameters."""
        parameters = trial.parameters if self.stack is None else trial.parameters.replace(stack=self.stack)
        endpoint = Endpoint(address, running.enter_context(reserved_port(address)))
        arguments = ["-m", "servers", TRANSPORTS[trial.transport].server, *listening(endpoint)]
        process = running.enter_context(Child([*arguments, *server_options(parameters), *options], log, cores))
        return TrialServer(endpoint, str(endpoint), process, with_children=parameters.server_processes > 1)


@dataclass(frozen=True, slots=True)
class CommandServer:
    """A server that a command starts anew for each trial."""

    named: NamedServer

    def start(self, address: str, log: Path, cores: tuple[int, ...] | None, running: ExitStack) -> TrialServer:
        """Start the command on a free port of `address`, to end with `running`."""
        endpoint = Endpoint(address, running.enter_context(reserved_port(address)))
        arguments = self.named.arguments(endpoint.host_in_url, endpoint.port)
        process = running.enter_context(ProgramGroup(arguments, log, cores))
        return TrialServer(endpoint, str(endpoint), process, with_children=True)


ServerSource = OwnServer | CommandServer | Target
"""The source of a trial's server."""


def server_options(parameters: Parameters) -> list[str]:
    """Return the options of a trial's server; a parameter that the trial does not have keeps its default."""
    stated = [name for name in SERVER_OPTIONS if name in parameters]
    return [word for name in stated for word in (server_option(name), str(parameters[name]))]


def listening(endpoint: Endpoint) -> list[str]:
    """Return the options that make a program of `servers` listen at the endpoint and end with the harness."""
    return ["--host", endpoint.host, "--port", str(endpoint.port), "--with-parent"]
