"""Real servers for tests: `python -m servers …` as processes of their own, stopped by their pid."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import httpx
import pytest

from servers.events.client_errors import LOG_PREFIX
from tests import plain_http

CHECKOUT = Path(__file__).parents[2]
PATIENCE_S = 20.0
"""How long a test waits for what must happen; only a failure ever takes that long."""


@dataclass(frozen=True)
class RunningServer:
    """A server process that said it is ready."""

    process: subprocess.Popen[str]
    port: int
    errors: IO[str]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def websocket_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    def post_stream(
        self, due_offsets_ns: list[int], payloads: list[str] | None = None, start_in_ms: int = 0
    ) -> httpx.Response:
        """POST /stream."""
        body = {"start_in_ms": start_in_ms, "due_offsets_ns": due_offsets_ns, "payloads": payloads or ["payload"]}
        return plain_http.post(f"{self.url}/stream", json=body, timeout=PATIENCE_S)

    def publish_at_once(self, events: int, payloads: list[str] | None = None) -> None:
        """Post a stream that is due now, and return when all of it is published."""
        self.post_stream([0] * events, payloads).raise_for_status()
        self.until(lambda stats: len(stats["published"]) == events)

    def until(self, reached: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Ask for the stats until they say so; those stats."""
        deadline = time.monotonic() + PATIENCE_S
        while not reached(stats := self.stats()):
            assert time.monotonic() < deadline, stats
            time.sleep(0.01)
        return stats

    def stats(self) -> dict[str, Any]:
        """GET /stats."""
        stats: dict[str, Any] = plain_http.get(f"{self.url}/stats", timeout=PATIENCE_S).json()
        return stats

    def log(self) -> str:
        """All that it has printed to stderr so far."""
        self.errors.seek(0)
        return self.errors.read()


StartServer = Callable[..., RunningServer]


@contextmanager
def running_server(*arguments: str, module: str = "servers") -> Iterator[RunningServer]:
    """Start `python -m servers <arguments> --port 0`; at the end stop it, and check that it ended well.

    It ends too where the tests are killed. Its log may hold nothing but counts of client errors. `module` is another
    program that serves in the same way.
    """
    with tempfile.TemporaryFile("a+") as errors:  # appending, because the server shares the position with who reads
        command = [sys.executable, "-m", module, *arguments, "--port", "0", "--with-parent"]
        process = subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=errors, text=True)
        assert process.stdout is not None
        with process.stdout:
            try:
                server = RunningServer(process, json.loads(process.stdout.readline())["port"], errors)
                yield server
                if process.poll() is None:
                    process.terminate()
                status = process.wait(PATIENCE_S)
            finally:
                if process.poll() is None:
                    process.kill()
                    process.wait()
        unexpected = [line for line in server.log().splitlines() if not line.startswith(LOG_PREFIX)]
        assert (status, unexpected) == (0, [])


@pytest.fixture
def start_server() -> Iterator[StartServer]:
    """Start servers that live until the test ends."""
    with ExitStack() as stack:
        yield lambda *arguments: stack.enter_context(running_server(*arguments))


@pytest.fixture(scope="session")
def websocket_server() -> Iterator[RunningServer]:
    with running_server("websocket") as server:
        yield server


@pytest.fixture(scope="session")
def polling_server() -> Iterator[RunningServer]:
    with running_server("polling") as server:
        yield server


@pytest.fixture(scope="session")
def sse_server() -> Iterator[RunningServer]:
    with running_server("sse") as server:
        yield server
