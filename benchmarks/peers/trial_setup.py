"""The server and the probes of a trial, which are the same for every tool."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers.probe import HOST
from benchmarks.peers.tool import ToolError
from benchmarks.peers.workloads import STACK, Work
from contract.records import JsonObject
from loadtests.control_client import ControlClient
from system.addresses import reserved_port
from system.processes import Child
from system.processor import CorePlan

_SERVER_PATIENCE_S = 15.0
_CONNECT_PATIENCE_S = 60.0
_CHECK_S = 0.1


@dataclass(frozen=True, slots=True)
class ProbedServer:
    """A running server with its probes connected."""

    work: Work
    port: int
    control: ControlClient
    probe: Child

    @property
    def url(self) -> str:
        """The URL of the server."""
        return f"http://{HOST}:{self.port}"

    def connected(self, stats: JsonObject) -> int:
        """Return the number of connected clients, without the probes and this request."""
        if self.work.name == "websocket":
            return int(stats["channels"]) - self.work.probes
        return int(stats["connections"]) - self.work.probes - 1

    def wait_for(self, clients: int, ended: Callable[[], str | None]) -> None:
        """Wait until `clients` are connected; raise ToolError after too long, or with the text that `ended` returns."""
        deadline = time.monotonic() + _CONNECT_PATIENCE_S
        while (connected := self.connected(self.control.stats())) < clients:
            if (reason := ended()) is not None:
                raise ToolError(reason)
            if time.monotonic() > deadline:
                raise ToolError(f"connected only {connected} of {clients} clients in {_CONNECT_PATIENCE_S:g} s")
            time.sleep(_CHECK_S)


@contextmanager
def set_up(work: Work, folder: Path, cores: CorePlan) -> Iterator[ProbedServer]:
    """Start a server and the probes, and stop both at the end; the probes then write their tables to `folder`."""
    with reserved_port() as port, Child(_server(work, port), folder / "server.log", cores.server):
        control = ControlClient(f"http://{HOST}:{port}")
        try:
            control.wait_until_ready(_SERVER_PATIENCE_S)
            probes = ["-m", "benchmarks.peers.probe", work.name, str(port), str(work.probes), str(folder)]
            with Child(probes, folder / "probe.log") as probe:
                probed = ProbedServer(work, port, control, probe)
                probed.wait_for(
                    0, lambda: None if probe.exit_code is None else f"the probes ended early: {probe.last_output()}"
                )
                yield probed
        finally:
            control.close()


def _server(work: Work, port: int) -> list[str]:
    return ["-m", "servers", work.server, "--host", HOST, "--port", str(port), "--with-parent", "--stack", STACK]
