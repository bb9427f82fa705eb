"""The program: what it prints, how it refuses to start, and that nothing of it stays behind."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys

import psutil
import pytest

from classroom.command_line import main
from servers.hosting.listening import listen

from .conftest import CHECKOUT, PATIENCE_S, RunningClassroom, StartClassroom, row_of_free_ports, running_classroom
from .scripted import scripted_client

pytestmark = pytest.mark.takes_s(15)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "classroom", *arguments]
    return subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False, timeout=PATIENCE_S)


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def test_it_loads_nothing_that_only_charts_need() -> None:
    """Matplotlib would take as long as all the rest of the start."""
    printing = "import sys, classroom.startup; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", printing], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    assert not {"matplotlib", "scipy"} & set(loaded.stdout.split())


def test_the_lanes_and_the_lesson_are_on_the_ports_after_the_page() -> None:
    first = row_of_free_ports()
    with running_classroom("--port", str(first)) as opened:
        assert opened.welcome.startswith(f"The classroom is open: http://127.0.0.1:{first}/\n")
        assert (opened.page_port, *opened.lane_ports, opened.lesson_port) == tuple(range(first, first + 6))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_it_leaves_no_process_and_no_port(number: signal.Signals) -> None:
    own_ports = ("--port", str(row_of_free_ports()))  # which nobody else is given meanwhile
    with running_classroom(*own_ports) as opened, scripted_client(opened) as client:
        run_on = opened.start_run(rate_per_s=20, duration_s=300, one_way_delay_ms=0)
        client.hear("run", run=run_on["id"])
        channel, stream, held = client.upgrade(), client.connect("sse"), client.connect("long_poll")
        client.ask(stream, "sse", client.path("sse"))
        client.ask(held, "long_poll", client.path("long_poll", after=1000, hold_ms=60_000))
        assert channel.read_head().status == 101
        assert stream.read_head().status == 200
        children = psutil.Process(opened.process.pid).children(recursive=True)
        opened.process.send_signal(number)
        assert opened.process.wait(PATIENCE_S) == 0
    assert children == []
    assert all(is_free(port) for port in (opened.page_port, *opened.lane_ports, opened.lesson_port))


def test_told_to_stop_while_it_answers_pages_that_are_gone_it_ends_silently() -> None:
    with running_classroom() as opened:  # at its end the log must be empty
        asked = f"GET /api/preflight HTTP/1.1\r\nHost: 127.0.0.1:{opened.page_port}\r\n\r\n".encode()
        with contextlib.ExitStack() as gone:
            for _ in range(3):  # one at a time, a fifth of a second each
                connection = gone.enter_context(socket.create_connection(("127.0.0.1", opened.page_port)))
                connection.sendall(asked)
            assert opened.request("GET", "/api/model").status_code == 200  # so those before it are being answered


@pytest.mark.parametrize("offset", [0, 3, 5])
def test_a_port_that_is_taken_is_named_in_one_sentence(offset: int) -> None:
    first = row_of_free_ports()
    with listen("127.0.0.1", first + offset):
        ended = run("--port", str(first))
    assert (ended.returncode, ended.stdout) == (2, "")
    [sentence] = ended.stderr.splitlines()
    assert f"port {first + offset} on 127.0.0.1 is already in use" in sentence
    assert f"ports {first} to {first + 5}" in sentence


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--port", "65531"), "expected 0 to 65530"),
        (("--port", "x"), "'x' is not a port"),
        (("--port", "-1"), "is not a port"),
        (("--host", "::1"), "IPv6"),
        (("--host", "no.such.host.invalid", "--port", "0"), "cannot listen on host 'no.such.host.invalid'"),
    ],
)
def test_what_it_cannot_do_is_said_in_one_sentence(
    arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        status: object = main(list(arguments))
    except SystemExit as ended:
        status = ended.code
    assert status == 2
    assert said in capsys.readouterr().err


def test_a_class_is_told_where_to_join(start_classroom: StartClassroom) -> None:
    opened = start_classroom("--host", "0.0.0.0")
    assert "0.0.0.0" not in opened.welcome
    assert f"http://127.0.0.1:{opened.page_port}/?key=" in opened.welcome
    assert f":{opened.page_port}/join" in opened.welcome
    assert opened.join_code is not None
    other = start_classroom("--host", "0.0.0.0")
    assert (other.join_code, other.teacher_key) != (opened.join_code, opened.teacher_key)


def test_alone_nothing_is_open_to_the_network(classroom: RunningClassroom) -> None:
    listening = {
        connection.laddr.ip
        for connection in psutil.Process(classroom.process.pid).net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening == {"127.0.0.1"}
    assert (classroom.teacher_key, classroom.join_code) == (None, None)
