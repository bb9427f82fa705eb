"""Real servers for tests: `python -m servers …` on a free port of loopback, ended when the test is over."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from loadtests.control import ControlClient
from loadtests.processes import Child, free_port

PATIENCE_S = 30.0
"""Generous: a slow machine may take its time, a broken server does not come at all."""


@contextmanager
def running_server(folder: Path, name: str = "all", *options: str) -> Iterator[str]:
    """The URL of a server of its own, started with these options."""
    port = free_port()
    with Child(["-m", "servers", name, "--port", str(port), *options], folder / "server.log"):
        url = f"http://127.0.0.1:{port}"
        control = ControlClient(url)
        control.wait_until_ready(PATIENCE_S)
        control.close()
        yield url
