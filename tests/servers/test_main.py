from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
from contextlib import ExitStack

import httpx
import pytest
from websockets.sync.client import connect

from tests import plain_http

from .conftest import CHECKOUT, PATIENCE_S, StartServer


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "servers", *arguments]
    return subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=PATIENCE_S, check=False)


@pytest.mark.parametrize("arguments", [["websocket"], ["relay", "--to", "127.0.0.1:1", "--delay-ms", "1"]])
def test_a_port_in_use_is_told_in_one_sentence(arguments: list[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = run(*arguments, "--port", str(port))
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr == (
        f"servers: port {port} on 127.0.0.1 is already in use: stop what listens there or give another --port\n"
    )


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["sse", "--port", "0", "--host", "256.1.1.1"], "cannot listen on host '256.1.1.1'"),
        (["sse", "--port", "70000"], "'70000' is not a port: expected 0 to 65535"),
        (
            ["sse", "--port", "0", "--fault", "drop:seq=0"],
            "servers: --fault drop:seq=0: seq=0 is not a number or range",
        ),
        (["all", "--port", "0", "--fault", "delay:ms=1", "--fault", "x"], "servers: --fault x: its kind is not one of"),
        (["sse", "--port", "0", "--history", "0"], "'0' is not a positive whole number"),
        (["relay", "--port", "0", "--to", "nowhere", "--delay-ms", "1"], "'nowhere' is not an address"),
        (["relay", "--port", "0", "--to", "h:1", "--delay-ms", "-1"], "'-1' is not a delay"),
        (["relay", "--port", "0", "--to", "h:1", "--delay-ms", "nan"], "'nan' is not a delay"),
        (["carrier-pigeon"], "invalid choice: 'carrier-pigeon'"),
    ],
)
def test_bad_arguments_are_refused_with_what_was_expected(arguments: list[str], complaint: str) -> None:
    ended = run(*arguments)
    assert ended.returncode == 2
    assert complaint in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_server_with_channels_and_polls_still_open(
    start_server: StartServer, number: signal.Signals
) -> None:
    server = start_server("all")  # the fixture sees that it ends with status 0 and says nothing
    statuses: list[int] = []

    def hold() -> None:
        statuses.append(plain_http.get(f"{server.url}/poll/long?hold_ms=600000", timeout=PATIENCE_S).status_code)

    holding = threading.Thread(target=hold)
    with ExitStack() as stack:
        stack.enter_context(connect(f"{server.websocket_url}/ws", proxy=None))
        stack.enter_context(connect(f"{server.websocket_url}/ws/echo", proxy=None))
        stack.enter_context(httpx.stream("GET", f"{server.url}/sse", timeout=PATIENCE_S))
        holding.start()
        server.until(lambda stats: stats["waiting"] == 3)
        server.process.send_signal(number)
        assert server.process.wait(PATIENCE_S) == 0
    holding.join(PATIENCE_S)
    assert statuses == [204]


def test_the_relay_starts_without_the_weight_of_the_apps() -> None:
    imports = "import sys, servers.command_line, servers.relay.delay_relay"
    program = f"{imports}; print('fastapi' in sys.modules, 'numpy' in sys.modules)"
    command = [sys.executable, "-c", program]
    ended = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=PATIENCE_S, check=True)
    assert ended.stdout == "False False\n"
