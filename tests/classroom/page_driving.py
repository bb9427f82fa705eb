"""The page as tests drive it: what it shows, and what its scripts know."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page, expect

from tests.classroom.conftest import PATIENCE_S, RunningClassroom

TRANSPORTS = ("websocket", "sse", "long_poll", "short_poll")
PATIENCE_MS = PATIENCE_S * 1000
PICTURE = """[...document.querySelectorAll(".lanes-strip, .lanes-strip canvas")].map(
  (part) => part.style.transform + part.style.left + (part.toDataURL?.() ?? "")).join()"""
"""The lanes as they are drawn now: where the strip is, and what is on each of its tiles."""


def open_page(page: Page, room: RunningClassroom, query: str = "") -> None:
    """The page, once it is connected and, in the view with the lanes, the server's clock is known to it."""
    page.goto(f"{room.url}/{query}")
    page.locator('#connection-status[data-state="live"]').wait_for(timeout=PATIENCE_MS)
    if page.locator("#view-watch").is_visible():
        page.locator("#numbers-note", has_text="±").wait_for(timeout=PATIENCE_MS)


def set_in_motion(page: Page) -> None:
    """Have a page draw its lanes in each of its frames, and not twice a second (still_context)."""
    page.emulate_media(reduced_motion="no-preference")


def wait_for_end(page: Page, run_id: int) -> None:
    """Until the page has heard that this run is over."""
    page.locator("#lanes-status", has_text=f"Run {run_id} is over").wait_for(timeout=2 * PATIENCE_MS)


def wait_for_traffic(page: Page) -> None:
    """Until the page has counted a short poll."""
    page.locator(
        '[data-transport="short_poll"][data-field="requests"]:not([data-value="0"], [data-value=""])'
    ).wait_for(timeout=PATIENCE_MS)


def shown(page: Page, transport: str, field: str) -> float | None:
    """One number of the page, exactly; None where it shows that there is none."""
    cell = page.locator(f'[data-transport="{transport}"][data-field="{field}"]')
    text = cell.get_attribute("data-value")
    assert text is not None
    return float(text) if text else None


def wait_until_shown(page: Page, transport: str, field: str, count: int) -> None:
    """Until the page shows this count: the table is renewed a few times a second, after what it tells of has come."""
    cell = page.locator(f'[data-transport="{transport}"][data-field="{field}"]')
    expect(cell).to_have_attribute("data-value", str(count), timeout=PATIENCE_MS)


def wait_for_frames(page: Page) -> float:
    """Until the page has drawn twice from now on; when the first of these frames began, on the page's clock in ms."""
    began_ms: float = page.evaluate(
        """() => new Promise((resolve) => {
          requestAnimationFrame(() => {
            const began = performance.now();
            requestAnimationFrame(() => resolve(began));
          });
        })"""
    )
    return began_ms


def snapshot(page: Page) -> dict[str, Any]:
    """All that the page knows of the run that is on or was last."""
    data: dict[str, Any] = page.evaluate("() => window.classroom.store.current.snapshot()")
    return data


def module(page: Page, path: str, expression: str, argument: object = None) -> Any:
    """Evaluate an expression with a module of the page as `m` and the argument as `given`."""
    script = f"async (given) => {{ const m = await import('/static/js/{path}'); return {expression}; }}"
    return page.evaluate(script, argument)
