"""`make ui`: a server that offers every transport, and Locust's web UI over the harness's users."""

from __future__ import annotations

import socket
import tempfile
from pathlib import Path

from contract.errors import UserError
from loadtests.control_client import ControlClient
from loadtests.engine.load_processes import LOCUSTFILE
from loadtests.plan.seeds import describe_seed, draw_seed
from system.addresses import reserved_port
from system.processes import Child

_HOST = "127.0.0.1"
_START_PATIENCE_S = 15.0


def serve_ui(port: int, given_seed: int | None) -> None:
    """Serve until Ctrl-C; if no seed is given, one is drawn.

    Raise UserError if the port is in use or a process ends by itself.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except (OSError, OverflowError) as error:
            raise UserError(f"port {port}: {error} (expected a free port: --port, or make ui PORT=…)") from error
    with tempfile.TemporaryDirectory() as folder, reserved_port() as server_port:
        logs = Path(folder)
        server = ["-m", "servers", "all", "--host", _HOST, "--port", str(server_port), "--with-parent"]
        url = f"http://{_HOST}:{server_port}"
        locust = ["-m", "loadtests.engine.locust_process", "-f", str(LOCUSTFILE), "--host", url, "--class-picker"]
        locust += ["-u", "10", "-r", "10", "--web-host", _HOST, "--web-port", str(port), "--loglevel", "WARNING"]
        seed = draw_seed() if given_seed is None else given_seed
        locust += ["--seed", str(seed)]
        with Child(server, logs / "server.log") as server_child:
            control = ControlClient(url)
            control.wait_until_ready(_START_PATIENCE_S)
            control.close()
            with Child(locust, logs / "locust.log") as locust_child:
                print(f"Locust's web UI: http://{_HOST}:{port} (Ctrl-C ends it); {describe_seed(seed)}", flush=True)
                while server_child.exit_code is None and locust_child.wait(0.2) is None:
                    pass
                ended = server_child if server_child.exit_code is not None else locust_child
                raise UserError(f"a process ended: {ended.last_output()} (expected it to run until Ctrl-C)")
