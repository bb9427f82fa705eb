"""Records a run of this classroom through a real browser, as a file that the page can play if its lanes are blocked.

   python -m classroom.recorded mine.json --seconds 20

opens a classroom on free loopback ports and its page in Chromium, waits for one run, and writes the file that the
page's button "Save the last run" gives. This command made `classroom/static/recorded/run.json`.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import uvloop

from classroom.startup import open_classroom

if TYPE_CHECKING:
    from playwright.async_api import Page

BUNDLED = Path(__file__).parent / "static" / "recorded" / "run.json"

_BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
_ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync", "--no-first-run")
_MIN_SECONDS, _MAX_SECONDS = 3, 60
_PATIENCE_S = 30


class RecordingError(Exception):
    """The run could not be recorded, in one sentence."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Record a run and write the file; return the exit status."""
    options = _parser().parse_args(arguments)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            text = runner.run(record(options.seconds, options.seed))
        options.file.write_text(text)
    except (RecordingError, OSError) as error:
        print(f"recorded: {error}", file=sys.stderr)
        return 2
    print(f"{options.file}: {len(text)} bytes")
    return 0


async def record(seconds: float, seed: int | None = None) -> str:
    """Return the file that a page saves of one run with the default settings, as JSON; raise RecordingError."""
    try:
        from playwright.async_api import Error, async_playwright  # noqa: PLC0415 - the classroom itself needs no Playwright
    except ImportError:
        raise RecordingError("Playwright is not installed (it comes with `make test`)") from None
    async with open_classroom("127.0.0.1", 0) as state, async_playwright() as playwright:
        path = next((found for name in _BROWSERS if (found := shutil.which(name))), None)
        try:
            browser = await playwright.chromium.launch(executable_path=path, args=list(_ARGUMENTS))
        except Error as error:
            raise RecordingError(f"no Chromium or Chrome could be started ({error.message.splitlines()[0]})") from None
        settings = {"duration_s": seconds} | ({} if seed is None else {"seed": seed})
        try:
            page = await browser.new_page()
            # A page with settings in its URL starts a run with them, and so receives all of it.
            async with page.expect_response("**/api/run") as starting:
                await page.goto(f"{state.addresses.origin('127.0.0.1')}/?{urlencode(settings)}")
            run = await (await starting.value).json()
            return await _saved(page, run["id"], seconds)
        except Error as error:
            raise RecordingError(f"the page did not finish its run ({error.message.splitlines()[0]})") from None
        finally:
            await browser.close()


async def _saved(page: Page, run: int, seconds: float) -> str:
    """Return the file that the page offers once this run is over."""
    await page.locator(f"body[data-ended-run-id='{run}']").wait_for(timeout=(seconds + _PATIENCE_S) * 1000)
    await page.get_by_role("button", name="Teacher", exact=True).click()
    async with page.expect_download() as saving:
        await page.get_by_role("button", name="Save the last run").click()
    return (await (await saving.value).path()).read_text()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m classroom.recorded", description=__doc__)
    parser.add_argument("file", type=Path, help="where to write the recording")
    parser.add_argument("--seconds", type=_seconds, default=20.0, help="length of the run (%(default)s)")
    parser.add_argument("--seed", type=int, default=None, help="seed of the stream; random if not given")
    return parser


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = float("nan")
    if not _MIN_SECONDS <= seconds <= _MAX_SECONDS:
        raise argparse.ArgumentTypeError(f"expected {_MIN_SECONDS} to {_MAX_SECONDS} seconds, not {text!r}")
    return seconds


if __name__ == "__main__":
    sys.exit(main())
