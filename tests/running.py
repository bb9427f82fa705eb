"""Real servers for tests: `python -m servers …` on a free port of loopback, ended when the test is over."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from loadtests.control_client import ControlClient
from system.addresses import reserved_port
from system.processes import Child

PATIENCE_S = 30.0
"""Generous: a slow machine may take its time, a broken server does not come at all."""
_AT_IMPORT = """
import os, signal, sys, time

class AtImport:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            {action}

sys.meta_path.insert(0, AtImport())
"""


def at_import(module: str, action: str, folder: Path) -> dict[str, str]:
    """The environment in which Python programs carry out a statement when they are about to import a module."""
    (folder / "sitecustomize.py").write_text(_AT_IMPORT.format(module=module, action=action))
    return {**os.environ, "PYTHONPATH": str(folder)}


@contextmanager
def running_server(folder: Path, name: str = "all", *options: str) -> Iterator[str]:
    """The URL of a server of its own with these options, which ends with the tests, also where they are killed."""
    with ExitStack() as running:
        port = running.enter_context(reserved_port())
        words = ["-m", "servers", name, "--port", str(port), "--with-parent", *options]
        running.enter_context(Child(words, folder / "server.log"))
        url = f"http://127.0.0.1:{port}"
        control = ControlClient(url)
        control.wait_until_ready(PATIENCE_S)
        control.close()
        yield url


def wait_until(done: Callable[[], bool]) -> None:
    """Wait for what a busy machine may be long about; a test fails where it does not come at all."""
    deadline_s = time.monotonic() + 4 * PATIENCE_S
    while not done():
        assert time.monotonic() < deadline_s, "it did not come to that"
        time.sleep(0.02)
