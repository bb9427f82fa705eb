"""A real Chromium for tests of pages: a fixture that the conftest.py of their folder imports."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Playwright, sync_playwright

# First the one without windows of its own, which the tests would not see: it takes half as much processor time.
_CHROMIUM_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
_CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    # Whatever asks another host fails, so that a test can tell (opened_page of tests/classroom/conftest.py).
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]

_FEW_FRAMES = """
window.requestAnimationFrame = (draw) => setTimeout(() => draw(performance.now()), 80);
window.cancelAnimationFrame = clearTimeout;
"""

NO_BROWSER = (
    "No Chromium or Chrome was found, so pages are NOT tested: install Debian's package "
    "chromium-headless-shell, or run `.venv/bin/playwright install chromium`."
)
skipped_modules: set[str] = set()
"""Modules whose tests were skipped for lack of a browser."""


# While Playwright's synchronous interface is open, no other test may run a loop in this thread. So it is opened for
# one module at a time, and a module that uses `browser` or `page` has no test with an asyncio loop of its own.
@pytest.fixture(scope="module")
def browser(request: pytest.FixtureRequest) -> Iterator[Browser]:
    """Chromium or Chrome: the system's, or else Playwright's own; without any the test is skipped, in CI it fails."""
    with sync_playwright() as playwright:
        launched = _launch(playwright, request.node.name)
        yield launched
        launched.close()


def launch_chromium(playwright: Playwright) -> Browser:
    """Start Chromium or Chrome: the system's, or else Playwright's own."""
    path = next((found for name in _CHROMIUM_NAMES if (found := shutil.which(name))), None)
    return playwright.chromium.launch(executable_path=path, args=_CHROMIUM_ARGUMENTS)


@contextmanager
def still_context(browser: Browser, **options: Any) -> Iterator[BrowserContext]:
    """A context whose pages prefer reduced motion, and are asked for twelve frames a second.

    Sixty take a third of a core. With reduced motion, what the lanes show may be half a second old.
    """
    with browser.new_context(reduced_motion="reduce", **options) as context:
        context.add_init_script(_FEW_FRAMES)
        yield context


def _launch(playwright: Playwright, module: str) -> Browser:
    try:
        return launch_chromium(playwright)
    except Error as error:
        if any(shutil.which(name) for name in _CHROMIUM_NAMES):
            raise
        if os.environ.get("CI"):
            pytest.fail(f"{NO_BROWSER} ({error.message.splitlines()[0]})")
        skipped_modules.add(module)
        pytest.skip(NO_BROWSER)
