"""Freeze, replay, steps and hidden tabs: which moment the page shows, and what it leaves out."""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import Page, expect

from tests.classroom.conftest import PATIENCE_S, RunningClassroom
from tests.classroom.page_driving import (
    PATIENCE_MS,
    PICTURE,
    module,
    open_page,
    set_in_motion,
    shown,
    snapshot,
    wait_for_end,
    wait_for_frames,
    wait_until_shown,
)

pytestmark = pytest.mark.takes_s(50, waits=True)

NOW = "() => performance.now()"
DELIVERIES = "window.classroom.store.current.snapshot().lanes.websocket.deliveries.length"


@pytest.fixture(autouse=True)
def _in_motion(page: Page) -> None:
    set_in_motion(page)


def picture(page: Page) -> str:
    """The lanes as they are drawn now."""
    url: str = page.evaluate(PICTURE)
    return url


def still_picture(page: Page) -> str:
    """The lanes once they have not changed for a second and a half: what a frozen moment still lacked has come."""
    deadline = time.monotonic() + PATIENCE_S
    before = picture(page)
    while True:
        page.wait_for_timeout(1500)
        wait_for_frames(page)
        if (now := picture(page)) == before:
            return now
        assert time.monotonic() < deadline, "the picture moves on and on"
        before = now


def wait_for_second(page: Page, run_id: int, second: int) -> None:
    """Until the page shows this second of a run that is on, or a later one."""
    page.wait_for_function(
        """([run, second]) => {
          const at = /^Live, run (\\d+): (\\d+) of/.exec(document.querySelector("#lanes-status").textContent);
          return at !== null && Number(at[1]) === run && Number(at[2]) >= second;
        }""",
        arg=[run_id, second],
        timeout=PATIENCE_MS,
    )


def wait_for_more_deliveries(page: Page) -> None:
    """Until the page has heard of five more events than now, whatever it shows."""
    page.wait_for_function(
        f"(known) => {DELIVERIES} >= known + 5", arg=page.evaluate(f"() => {DELIVERIES}"), timeout=PATIENCE_MS
    )


def shown_s(page: Page) -> float:
    """The moment that the status line names, in seconds of the run."""
    found = re.search(r"(?:at|:) (\d+\.\d) s$", page.locator("#lanes-status").inner_text())
    assert found is not None
    return float(found[1])


def test_space_freezes_and_goes_on(page: Page, classroom: RunningClassroom) -> None:
    open_page(page, classroom)
    run = classroom.start_run(rate_per_s=5.0, duration_s=120.0)
    wait_for_second(page, run["id"], 2)
    page.keyboard.press("Space")
    expect(page.locator("#freeze-button")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#lanes-status")).to_contain_text(f"Frozen in run {run['id']}")
    frozen, delivered = still_picture(page), shown(page, "websocket", "delivered")
    wait_for_more_deliveries(page)
    wait_for_frames(page)
    assert picture(page) == frozen
    assert shown(page, "websocket", "delivered") == delivered
    page.keyboard.press("Space")
    expect(page.locator("#lanes-status")).to_contain_text("Live")
    page.wait_for_function(f"(frozen) => {PICTURE} !== frozen", arg=frozen, timeout=PATIENCE_MS)


def test_a_run_is_replayed_at_the_speed_asked_for(page: Page, classroom: RunningClassroom) -> None:
    open_page(page, classroom)
    run = classroom.start_run(rate_per_s=5.0, arrival="periodic", duration_s=3.0)
    wait_for_end(page, run["id"])
    total = 15
    wait_until_shown(page, "websocket", "delivered", total)
    before_ms = page.evaluate(NOW)
    page.locator('[data-speed="0.2"]').click()
    begun_ms = page.evaluate(NOW)
    expect(page.locator("#lanes-status")).to_have_text(
        re.compile(rf"^Replay of run {run['id']} at 1/5: (0\.[4-9]|[12])")
    )
    drawn_ms = wait_for_frames(page)
    page.keyboard.press("Space")
    held_ms = page.evaluate(NOW)
    # What is held is the last frame: drawn later than `drawn_ms`, not later than `held_ms`; and shown to 0.1 s.
    assert (drawn_ms - begun_ms) / 5000 - 0.1 <= shown_s(page) <= (held_ms - before_ms) / 5000 + 0.1
    assert (shown(page, "websocket", "delivered") or 0) < total
    page.locator('[data-speed="1"]').click()
    page.locator("#lanes-status", has_text="Frozen").wait_for()  # the replay's end
    wait_until_shown(page, "websocket", "delivered", total)
    page.locator("#live-button").click()
    expect(page.locator("#lanes-status")).to_contain_text("is over")


def test_a_hidden_tab_is_shaded_and_not_timed(page: Page, classroom: RunningClassroom) -> None:
    open_page(page, classroom)
    run = classroom.start_run(rate_per_s=10.0, arrival="periodic", duration_s=6.0)
    wait_for_second(page, run["id"], 1)
    page.evaluate(
        """async () => {
          const pretend = (hidden) => {
            Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
            document.dispatchEvent(new Event("visibilitychange"));
          };
          pretend(true);
          await new Promise((resolve) => setTimeout(resolve, 1600));
          pretend(false);
        }"""
    )
    wait_for_end(page, run["id"])
    wait_until_shown(page, "websocket", "delivered", 60)
    data = snapshot(page)
    [[from_ns, to_ns]] = data["hidden"]
    assert to_ns - from_ns >= 1.5e9
    deliveries = data["lanes"]["websocket"]["deliveries"]
    inside = [row for row in deliveries if row["due_ns"] <= to_ns and row["received_ns"] >= from_ns]
    timed = module(page, "shared/numbers.js", "m.latenciesMs(window.classroom.store.current, 'websocket').length")
    assert len(inside) >= 14
    assert timed == len(deliveries) - len(inside)
    assert len(deliveries) == 60
    expect(page.locator("#numbers-note")).to_contain_text("hidden")


def test_who_comes_late_gets_all_events_and_times_only_its_own(page: Page, classroom: RunningClassroom) -> None:
    open_page(page, classroom)
    run = classroom.start_run(rate_per_s=10.0, arrival="periodic", duration_s=8.0)
    wait_for_second(page, run["id"], 3)
    open_page(page, classroom)
    wait_for_end(page, run["id"])
    wait_until_shown(page, "websocket", "delivered", 80)
    data = snapshot(page)
    early = [row for row in data["lanes"]["websocket"]["deliveries"] if row["due_ns"] < data["counts_from_ns"]]
    assert len(early) >= 30
    oldest_ms = max((row["received_ns"] - row["due_ns"]) / 1e6 for row in early)
    assert (shown(page, "websocket", "max_ms") or 0) < oldest_ms
    expect(page.locator("#numbers-note")).to_contain_text("came into the run")


def test_runs_follow_each_other_for_those_who_only_watch(page: Page, classroom: RunningClassroom) -> None:
    open_page(page, classroom)
    run = classroom.start_run(auto=True, duration_s=3.0)
    # The next or, where a busy machine looks late, one after it.
    page.wait_for_function(
        "(run) => Number(/^Live, run (\\d+)/.exec(document.querySelector('#lanes-status').textContent)?.[1]) > run",
        arg=run["id"],
        timeout=2 * PATIENCE_MS,
    )
    classroom.request("POST", "/api/stop")
