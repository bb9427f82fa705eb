"""A reserved port against a real server."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from loadtests.control_client import ControlClient
from system.ports import reserved_port
from system.processes import Child
from tests.running import PATIENCE_S


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux lets a port be held for another process")
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_reserved_port_is_given_to_nobody_but_the_server_that_asks_for_it(tmp_path: Path, workers: str) -> None:
    with reserved_port() as port:
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", port))
        with Child(["-m", "servers", "polling", "--port", str(port), "--workers", workers], tmp_path / "log") as server:
            control = ControlClient(f"http://127.0.0.1:{port}")
            assert control.wait_until_ready(PATIENCE_S), server.last_words()
            control.close()
