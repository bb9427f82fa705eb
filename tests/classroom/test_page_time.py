"""Freeze, replay, steps and hidden tabs: which moment the page shows, and what it leaves out."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.classroom.conftest import PATIENCE_S, RunningClassroom
from tests.classroom.page_driving import module, open_page, shown, snapshot, wait_for_end

expect.set_options(timeout=PATIENCE_S * 1000)


def picture(page: Page) -> str:
    """The lanes as they are drawn now."""
    url: str = page.evaluate("() => document.querySelector('#lanes canvas').toDataURL()")
    return url


def shown_s(page: Page) -> float:
    """The moment that the status line names, in seconds of the run."""
    found = re.search(r"(?:at|:) (\d+\.\d) s$", page.locator("#lanes-status").inner_text())
    assert found is not None
    return float(found[1])


def test_space_freezes_and_goes_on(page: Page, classroom: RunningClassroom) -> None:
    open_page(page, classroom)
    run = classroom.start_run(rate_per_s=5.0, duration_s=20.0)
    page.locator("#lanes-status", has_text=f"Live, run {run['id']}: 2").wait_for()
    page.keyboard.press("Space")
    expect(page.locator("#freeze-button")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#lanes-status")).to_contain_text(f"Frozen in run {run['id']}")
    page.wait_for_timeout(200)  # the last frame of the moving picture may still be on its way
    frozen, delivered = picture(page), shown(page, "websocket", "delivered")
    page.wait_for_timeout(1500)
    assert picture(page) == frozen
    assert shown(page, "websocket", "delivered") == delivered
    page.keyboard.press("Space")
    expect(page.locator("#lanes-status")).to_contain_text("Live")
    page.wait_for_timeout(1000)
    assert picture(page) != frozen


def test_arrows_step_through_a_frozen_picture(page: Page, classroom: RunningClassroom) -> None:
    open_page(page, classroom)
    run = classroom.start_run(rate_per_s=5.0, duration_s=20.0)
    page.locator("#lanes-status", has_text=f"Live, run {run['id']}: 3").wait_for()
    page.keyboard.press("Space")
    held_s = shown_s(page)
    page.keyboard.press("ArrowLeft")
    assert shown_s(page) == pytest.approx(held_s - 1, abs=0.11)
    page.keyboard.press("ArrowRight")
    assert shown_s(page) == pytest.approx(held_s, abs=0.11)


def test_a_run_is_replayed_at_the_speed_asked_for(page: Page, classroom: RunningClassroom) -> None:
    open_page(page, classroom)
    run = classroom.start_run(rate_per_s=5.0, arrival="periodic", duration_s=3.0)
    wait_for_end(page, run["id"])
    total = shown(page, "websocket", "delivered")
    assert total == 15
    page.locator('[data-speed="0.2"]').click()
    expect(page.locator("#lanes-status")).to_contain_text(f"Replay of run {run['id']} at 1/5")
    before_s, started = shown_s(page), page.evaluate("() => performance.now()")
    assert (shown(page, "websocket", "delivered") or 0) < total
    page.wait_for_timeout(4000)
    page.keyboard.press("Space")
    elapsed_s = (page.evaluate("() => performance.now()") - started) / 1000
    advanced_s = shown_s(page) - before_s
    # The status line is renewed 2.5 times a second and rounds to 0.1 s; a fifth of both, and generously.
    assert advanced_s == pytest.approx(elapsed_s / 5, abs=0.4)
    delivered = shown(page, "websocket", "delivered")
    assert delivered is not None
    assert delivered < total
    page.locator('[data-speed="1"]').click()
    page.locator("#lanes-status", has_text="Frozen").wait_for()  # the replay's end
    assert shown(page, "websocket", "delivered") == total
    page.locator("#live-button").click()
    expect(page.locator("#lanes-status")).to_contain_text("is over")


def test_a_hidden_tab_is_shaded_and_not_timed(page: Page, classroom: RunningClassroom) -> None:
    open_page(page, classroom)
    run = classroom.start_run(rate_per_s=10.0, arrival="periodic", duration_s=6.0)
    page.locator("#lanes-status", has_text=f"Live, run {run['id']}: 1").wait_for()
    pretend = """(hidden) => {
      Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    }"""
    page.evaluate(pretend, True)
    page.wait_for_timeout(1500)
    page.evaluate(pretend, False)
    wait_for_end(page, run["id"])
    data = snapshot(page)
    [[from_ns, to_ns]] = data["hidden"]
    assert to_ns - from_ns >= 1.5e9
    deliveries = data["lanes"]["websocket"]["deliveries"]
    inside = [row for row in deliveries if row["due_ns"] <= to_ns and row["received_ns"] >= from_ns]
    timed = module(page, "numbers.js", "m.latenciesMs(window.classroom.store.current, 'websocket').length")
    assert len(inside) >= 14
    assert timed == len(deliveries) - len(inside)
    assert shown(page, "websocket", "delivered") == len(deliveries) == 60
    expect(page.locator("#numbers-note")).to_contain_text("hidden")


def test_who_comes_late_gets_all_events_and_times_only_its_own(page: Page, classroom: RunningClassroom) -> None:
    open_page(page, classroom)
    run = classroom.start_run(rate_per_s=10.0, arrival="periodic", duration_s=8.0)
    page.locator("#lanes-status", has_text=f"Live, run {run['id']}: 3").wait_for()
    open_page(page, classroom)
    wait_for_end(page, run["id"])
    assert shown(page, "websocket", "delivered") == 80
    data = snapshot(page)
    early = [row for row in data["lanes"]["websocket"]["deliveries"] if row["due_ns"] < data["counts_from_ns"]]
    assert len(early) >= 30
    oldest_ms = max((row["received_ns"] - row["due_ns"]) / 1e6 for row in early)
    assert (shown(page, "websocket", "max_ms") or 0) < oldest_ms
    expect(page.locator("#numbers-note")).to_contain_text("came into the run")


def test_runs_follow_each_other_for_those_who_only_watch(page: Page, classroom: RunningClassroom) -> None:
    open_page(page, classroom)
    run = classroom.start_run(auto=True, duration_s=3.0)
    page.locator("#lanes-status", has_text=f"Live, run {run['id'] + 1}").wait_for(timeout=2000 * PATIENCE_S)
    classroom.request("POST", "/api/stop")
