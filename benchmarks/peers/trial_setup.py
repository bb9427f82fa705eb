"""The surroundings of every trial of every tool: a fresh server on its core, and the probes."""

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
        """Return the clients that the server has now, without the probes and this request."""
        if self.work.name == "websocket":
            return int(stats["channels"]) - self.work.probes
        return int(stats["connections"]) - self.work.probes - 1

    def wait_for(self, clients: int, ended: Callable[[], str | None]) -> None:
        """Wait until so many are connected; raise ToolError after too long, or if `ended` returns what has ended."""
        deadline = time.monotonic() + _CONNECT_PATIENCE_S
        while (connected := self.connected(self.control.stats())) < clients:
            if (said := ended()) is not None:
                raise ToolError(said)
            if time.monotonic() > deadline:
                raise ToolError(f"connected only {connected} of {clients} clients in {_CONNECT_PATIENCE_S:g} s")
            time.sleep(_CHECK_S)


@contextmanager
def set_up(work: Work, folder: Path, cores: CorePlan) -> Iterator[ProbedServer]:
    """Start server and probes, and end both whatever happens; the probes then leave their tables in `folder`."""
    with reserved_port() as port, Child(_server(work, port), folder / "server.log", cores.server):
        control = ControlClient(f"http://{HOST}:{port}")
        try:
            control.wait_until_ready(_SERVER_PATIENCE_S)
            look = ["-m", "benchmarks.peers.probe", work.name, str(port), str(work.probes), str(folder)]
            with Child(look, folder / "probe.log") as probe:
                probed = ProbedServer(work, port, control, probe)
                probed.wait_for(
                    0, lambda: None if probe.exit_code is None else f"the probes ended early: {probe.last_output()}"
                )
                yield probed
        finally:
            control.close()


def _server(work: Work, port: int) -> list[str]:
    return ["-m", "servers", work.server, "--host", HOST, "--port", str(port), "--with-parent", "--stack", STACK]
