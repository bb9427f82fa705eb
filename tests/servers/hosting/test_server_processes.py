"""Two real processes behind one port: whoever is asked, the answer is that of one server."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest
from websockets.sync.client import connect

from contract import wire
from tests import plain_http
from tests.servers.conftest import CHECKOUT, PATIENCE_S, RunningServer, running_server

pytestmark = [pytest.mark.clocks, pytest.mark.takes_s(15)]

CONNECTIONS = 24
"""Enough that the kernel gives some to each of two processes: all to one has a chance of 1 in 8 million."""


@pytest.fixture(scope="module", params=["fastapi", "asgi"])
def server(request: pytest.FixtureRequest) -> Iterator[RunningServer]:
    with running_server("all", "--server-processes", "2", "--trace", "--stack", request.param) as server:
        yield server


def processes_of(parent: int) -> list[psutil.Process]:
    """The processes of the server, without the process that multiprocessing keeps for itself."""
    return [child for child in psutil.Process(parent).children() if "spawn_main" in " ".join(child.cmdline())]


def test_a_stream_posted_to_any_process_is_published_by_all_at_the_same_times(server: RunningServer) -> None:
    with ExitStack() as stack:
        sockets = [
            stack.enter_context(connect(f"{server.websocket_url}/ws?after=0&client={number}", proxy=None))
            for number in range(CONNECTIONS)
        ]
        for _ in range(3):
            t0_ns = server.post_stream([0, 1_000_000, 2_000_000], ["a", "b"], start_in_ms=20).json()["t0_ns"]
            told = [[wire.decode_event(socket.recv(PATIENCE_S)) for _ in range(3)] for socket in sockets]
            for events in told:
                assert [event.seq for event in events] == [1, 2, 3]
                assert [event.due_ns - t0_ns for event in events] == [0, 1_000_000, 2_000_000]
                assert [event.payload for event in events] == ["a", "b", "a"]
            stamps = {events[0].published_ns for events in told}
            assert len(stamps) == 2, "each process has its own stamp"
            stats = server.until(lambda stats: len(stats["published"]) == 3)
            assert stats["published"][0] == [1, t0_ns, max(stamps)]
            assert stats["channels"] == CONNECTIONS
            assert stats["connections"] == CONNECTIONS + 1
        assert stats["options"]["server_processes"] == 2
        traced = sorted(row[:2] for row in struct.iter_unpack("<qqq", plain_http.get(f"{server.url}/trace").content))
        assert traced == [(number, seq) for number in range(CONNECTIONS) for seq in (1, 2, 3)]


def test_a_cursor_holds_on_any_process(server: RunningServer) -> None:
    events = 40
    server.post_stream([number * 2_000_000 for number in range(events)])
    cursor, seqs = 0, list[int]()
    while cursor < events:
        answer = plain_http.get(f"{server.url}/poll/long?after={cursor}&hold_ms=5000", timeout=PATIENCE_S)
        if answer.status_code == 200:
            told, cursor = wire.decode_poll_reply(answer.content)
            seqs += [event.seq for event in told]
    assert seqs == list(range(1, events + 1))


def test_streams_posted_at_once_leave_all_processes_with_the_same_one(server: RunningServer) -> None:
    posts = [threading.Thread(target=server.post_stream, args=([0] * events,)) for events in range(1, 9)]
    for post in posts:
        post.start()
    for post in posts:
        post.join()
    cursors = set()
    for _ in range(CONNECTIONS):
        server.until(lambda stats: len(stats["published"]) > 0)
        answer = plain_http.get(f"{server.url}/poll/long?after=0&hold_ms=5000", timeout=PATIENCE_S)
        told, cursor = wire.decode_poll_reply(answer.content)
        cursors.add((told[0].due_ns, cursor))
    assert len(cursors) == 1


def test_a_stream_that_is_not_valid_is_refused_as_by_one_process(server: RunningServer) -> None:
    answer = plain_http.post(
        f"{server.url}/stream", json={"start_in_ms": 0, "due_offsets_ns": [2, 1], "payloads": ["x"]}, timeout=PATIENCE_S
    )
    assert answer.status_code == 422
    assert "must not decrease" in answer.json()["detail"]


def test_a_process_that_dies_ends_the_server_with_a_message() -> None:
    with tempfile.TemporaryFile("w+") as errors:
        command = [sys.executable, "-m", "servers", "polling", "--server-processes", "2", "--port", "0"]
        process = subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=errors, text=True)
        assert process.stdout is not None
        with process.stdout:
            assert json.loads(process.stdout.readline())["ready"]
            first, second = processes_of(process.pid)
            os.kill(second.pid, signal.SIGKILL)
            assert process.wait(PATIENCE_S) == 1
        errors.seek(0)
        [line] = errors.read().splitlines()
    assert line.startswith("servers: process ")
    assert line.endswith("ended with exit status -9 (expected it to run until the server is stopped)")
    until_gone(first)


def test_processes_end_with_a_server_that_is_killed(tmp_path: Path) -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("only Linux tells a process that its parent is gone")
    command = [sys.executable, "-m", "servers", "polling", "--server-processes", "2", "--port", "0"]
    with (tmp_path / "errors").open("w") as errors:
        process = subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=errors, text=True)
        assert process.stdout is not None
        with process.stdout:
            assert json.loads(process.stdout.readline())["ready"]
            family = psutil.Process(process.pid).children(recursive=True)
            assert len(processes_of(process.pid)) == 2
            process.kill()
            process.wait(PATIENCE_S)
    for member in family:
        until_gone(member)


def until_gone(process: psutil.Process) -> None:
    deadline = time.monotonic() + PATIENCE_S
    with contextlib.suppress(psutil.NoSuchProcess):  # gone between two looks
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            assert time.monotonic() < deadline, process
            time.sleep(0.01)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (
            ["--server-processes", "2", "--fault", "drop:seq=2"],
            "servers: --fault drop:seq=2 with --server-processes 2: faults number",
        ),
        (["--server-processes", "0"], "'0': expected a whole number from 1 to 64"),
        (["--server-processes", "2", "--host", "256.1.1.1"], "servers: cannot listen on host '256.1.1.1'"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(arguments: list[str], complaint: str) -> None:
    command = [sys.executable, "-m", "servers", "polling", "--port", "0", *arguments]
    ended = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert ended.returncode == 2
    assert complaint in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_port_that_somebody_has_is_not_shared_with_them(server: RunningServer) -> None:
    command = [sys.executable, "-m", "servers", "polling", "--server-processes", "2", "--port", str(server.port)]
    ended = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert ended.returncode == 2
    assert "is already in use" in ended.stderr
