"""`make ui`, as far as it goes without a browser: it comes up, says where, and leaves nothing behind."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from system.addresses import reserved_port
from system.processes import PROJECT_FOLDER
from tests import plain_http
from tests.running import PATIENCE_S


@pytest.fixture
def port() -> Iterator[int]:
    with reserved_port() as port:
        yield port


def start(port: int, *further: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "loadtests", "ui", "--port", str(port), *further],
        cwd=PROJECT_FOLDER, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def answer_of(url: str) -> httpx.Response:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            return plain_http.get(url)
        except httpx.TransportError:
            assert time.monotonic() < deadline, "the web UI does not come up"
            time.sleep(0.1)


def test_the_page_comes_up_and_everything_ends_with_it(port: int) -> None:
    running = start(port, "--seed", "3141592")
    try:
        page = answer_of(f"http://127.0.0.1:{port}/")
        assert page.status_code == 200
        assert "WebsocketUser" in page.text
        assert "3141592" in page.text
        children = psutil.Process(running.pid).children(recursive=True)
        assert len(children) == 2
    finally:
        running.send_signal(signal.SIGTERM)
        said, complained = running.communicate(timeout=PATIENCE_S)
    assert f"http://127.0.0.1:{port}" in said
    assert "seed 3141592; repeat with SEED=3141592" in said
    assert (running.returncode, complained) == (130, "interrupted\n")
    assert not [child for child in children if child.is_running()]


def test_settings_of_the_users_for_other_tests_have_no_part_in_it(
    port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".locust.conf").write_text("headless = true\nno-such-option = 1\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("LOCUST_WEB_LOGIN", "true")
    running = start(port)
    try:
        page = answer_of(f"http://127.0.0.1:{port}/")
        assert page.status_code == 200
        assert "WebsocketUser" in page.text
    finally:
        running.send_signal(signal.SIGTERM)
        running.communicate(timeout=PATIENCE_S)
    assert running.returncode == 130


def test_a_port_in_use_is_told() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        running = start(taken.getsockname()[1])
        _, said = running.communicate(timeout=PATIENCE_S)
    assert running.returncode == 2
    assert "expected a free port" in said
    assert said.count("\n") == 1
