"""A real classroom for tests: `python -m classroom` as a process of its own, and a real Chromium for its pages."""

from __future__ import annotations

import contextlib
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from servers.events.client_errors import LOG_PREFIX
from servers.hosting.listening import StartError, listen
from tests import plain_http
from tests.browser import NO_BROWSER, browser, skipped_modules, still_context

__all__ = ["browser"]

CHECKOUT = Path(__file__).parents[2]
PATIENCE_S = 30.0
"""How long a test waits for what must happen; only a failure ever takes that long."""
expect.set_options(timeout=PATIENCE_S * 1000)


@dataclass(frozen=True)
class RunningClassroom:
    """A classroom's process that said it is open."""

    process: subprocess.Popen[str]
    welcome: str
    """What it printed."""
    page_port: int
    lane_ports: tuple[int, ...]
    lesson_port: int

    @property
    def url(self) -> str:
        """The page's origin, under the name that tests use."""
        return f"http://127.0.0.1:{self.page_port}"

    @property
    def websocket_url(self) -> str:
        return f"ws://127.0.0.1:{self.page_port}"

    @property
    def teacher_key(self) -> str | None:
        """Printed in class mode alone."""
        found = re.search(r"key=(\S+)", self.welcome)
        return found[1] if found else None

    @property
    def join_code(self) -> str | None:
        """Printed in class mode alone."""
        found = re.search(r"code (\w+)", self.welcome)
        return found[1] if found else None

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """A request as the page makes it, the teacher's key included where there is one."""
        headers = {"Origin": self.url, **({"X-Teacher-Key": self.teacher_key} if self.teacher_key else {})}
        headers |= options.pop("headers", {})
        return plain_http.request(method, f"{self.url}{path}", headers=headers, timeout=PATIENCE_S, **options)

    def start_run(self, *, auto: bool = False, **settings: Any) -> dict[str, Any]:
        """POST /api/run; the run."""
        response = self.request("POST", "/api/run", json={**settings, "auto": auto})
        assert response.status_code == 200, response.text
        run: dict[str, Any] = response.json()
        return run

    def record(self) -> dict[str, Any]:
        """GET /api/record."""
        record: dict[str, Any] = self.request("GET", "/api/record").json()
        return record

    def record_when_ended(self) -> dict[str, Any]:
        """The record of the run that is on, once it is over."""
        deadline = time.monotonic() + PATIENCE_S
        while not (record := self.record())["ended"]:
            assert time.monotonic() < deadline, record["run"]
            time.sleep(0.05)
        return record


@contextmanager
def running_classroom(*arguments: str) -> Iterator[RunningClassroom]:
    """Start `python -m classroom --port 0`; at the end stop it, and see that it ended well and silently.

    Its log may hold nothing but counts of client errors.
    """
    with tempfile.TemporaryFile("w+") as errors:
        command = [sys.executable, "-m", "classroom", "--port", "0", *arguments]
        process = subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=errors, text=True)
        assert process.stdout is not None
        with process.stdout:
            try:
                yield _opened(process)
                if process.poll() is None:
                    process.terminate()
                status = process.wait(PATIENCE_S)
            finally:
                if process.poll() is None:
                    process.kill()
                    process.wait()
        errors.seek(0)
        unexpected = [line for line in errors if not line.startswith(LOG_PREFIX)]
        assert (status, unexpected) == (0, [])


def row_of_free_ports() -> int:
    """A port after which five more are free: below those that systems give to whoever asks for any."""
    for first in random.sample(range(15_000, 32_000, 6), 50):
        with contextlib.suppress(StartError), contextlib.ExitStack() as taken:
            for offset in range(6):
                taken.enter_context(listen("127.0.0.1", first + offset))
            return first
    raise AssertionError("no six free ports in a row")


def _opened(process: subprocess.Popen[str]) -> RunningClassroom:
    assert process.stdout is not None
    welcome = ""
    while "Ports:" not in welcome:
        line = process.stdout.readline()
        assert line, f"the classroom ended: {welcome}"
        welcome += line
    found = re.search(r"Ports: page (\d+), lanes ([\d, ]+), lesson (\d+)", welcome)
    assert found is not None, welcome
    lanes = tuple(int(port) for port in found[2].split(", "))
    return RunningClassroom(process, welcome, int(found[1]), lanes, int(found[3]))


StartClassroom = Callable[..., RunningClassroom]


@pytest.fixture
def start_classroom() -> Iterator[StartClassroom]:
    """Open classrooms with arguments of their own; they close when the test ends."""
    with ExitStack() as stack:
        yield lambda *arguments: stack.enter_context(running_classroom(*arguments))


@pytest.fixture(scope="module")
def classroom() -> Iterator[RunningClassroom]:
    """One classroom on loopback for all tests of a module: each starts runs of its own."""
    with running_classroom() as opened:
        yield opened


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """A skipped test is a letter among many; that no page was looked at is said aloud."""
    if skipped_modules:
        terminalreporter.section("SKIPPED: pages in a browser", red=True)
        terminalreporter.line(f"{NO_BROWSER}\nNot run: {', '.join(sorted(skipped_modules))}.")


@contextmanager
def opened_page(context: BrowserContext) -> Iterator[Page]:
    """A page of this context; at its end no script may have failed, nor any other host have been asked.

    A request to another host fails in these browsers. To hear of all requests would take a sixth of a page's time.
    """
    page = context.new_page()
    page.set_default_timeout(PATIENCE_S * 1000)
    errors: list[str] = []
    hosts: set[str | None] = set()
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("requestfailed", lambda request: hosts.add(urlsplit(request.url).hostname))
    page.on("websocket", lambda socket: hosts.add(urlsplit(socket.url).hostname))
    try:
        yield page
    finally:
        page.close()
    assert errors == []
    assert hosts <= {"127.0.0.1", None}


@pytest.fixture(scope="module")
def context(browser: Browser, classroom: RunningClassroom) -> Iterator[BrowserContext]:
    """For the pages of a module: what one of them has loaded and compiled, the next has at once."""
    with still_context(browser, base_url=classroom.url) as shared:
        yield shared


@pytest.fixture
def page(context: BrowserContext, classroom: RunningClassroom) -> Iterator[Page]:
    """A page for one test; what it keeps in the browser is gone with it."""
    with opened_page(context) as opened:
        yield opened
        forgetting = {"origin": classroom.url, "storageTypes": "local_storage"}
        context.new_cdp_session(opened).send("Storage.clearDataForOrigin", forgetting)


@pytest.fixture(scope="module")
def empty_page(context: BrowserContext) -> Iterator[Page]:
    """A page without scripts of its own, for all tests of a module that call the classroom's scripts one by one."""
    with opened_page(context) as opened:
        opened.goto("/static/icon.svg")
        yield opened
