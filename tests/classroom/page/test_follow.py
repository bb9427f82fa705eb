"""Following one event: it stands out in all lanes, and its age in each is told by keyboard, pointer and address."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.classroom.conftest import RunningClassroom
from tests.classroom.page_driving import (
    PATIENCE_MS,
    PICTURE,
    TRANSPORTS,
    module,
    open_page,
    snapshot,
    wait_for_end,
    wait_until_shown,
)

pytestmark = pytest.mark.takes_s(30, waits=True)

RUN: dict[str, Any] = {"rate_per_s": 3.0, "arrival": "periodic", "duration_s": 5.0, "seed": 3}
NAMES = ("WebSocket", "SSE", "Long poll", "Short poll")


def watch_run(page: Page, classroom: RunningClassroom, query: str = "") -> int:
    """A page that has seen a run of 15 events, all of which have come; the run's number."""
    open_page(page, classroom, query)
    run: int = classroom.start_run(**RUN)["id"]
    wait_for_end(page, run)
    for transport in TRANSPORTS:
        wait_until_shown(page, transport, "delivered", 15)
    return run


def sentence(page: Page) -> str:
    return page.locator("#event-sentence").inner_text().replace("\N{NO-BREAK SPACE}", " ")


def ages_ms(page: Page, seq: int) -> list[float]:
    """The ages that the page has told of an event, in the order of the lanes."""
    page.locator("#event-sentence", has_text=f"Event {seq}, due").wait_for()
    told = re.findall(r"(WebSocket|SSE|Long poll|Short poll) (\d+(?:\.\d+)?) (ms|s)", sentence(page))
    assert [name for name, _, _ in told] == list(NAMES)
    return [float(value) * (1000 if unit == "s" else 1) for _, value, unit in told]


def test_the_ages_of_an_event_are_those_of_the_record(page: Page, classroom: RunningClassroom) -> None:
    watch_run(page, classroom)
    page.keyboard.press("Space")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    told = ages_ms(page, 14)
    data, record = snapshot(page), classroom.record()
    due_ns = record["published"][13][1]
    client = str(page.evaluate("() => window.classroom.client"))
    for transport, age_ms in zip(TRANSPORTS, told, strict=True):
        [delivery] = [row for row in data["lanes"][transport]["deliveries"] if row["seq"] == 14]
        received_ms = (delivery["received_ns"] - due_ns) / 1e6
        assert age_ms == pytest.approx(received_ms, abs=0.6 if received_ms < 1000 else 5.1)
        # The record has when it was written; it took the network's delay from there, but for the error of the clocks.
        [written_ns] = [at_ns for seq, at_ns in record["clients"][client][transport]["written"] if seq == 14]
        earliest_ms = min((written_ns - due_ns) / 1e6 + 50, received_ms)
        assert age_ms >= earliest_ms - data["uncertainty_ms"] - 6


def test_arrows_go_from_event_to_event_and_the_address_names_it(page: Page, classroom: RunningClassroom) -> None:
    watch_run(page, classroom)
    page.keyboard.press("Space")
    page.keyboard.press("ArrowLeft")
    ages_ms(page, 15)
    for seq in (14, 13):
        page.keyboard.press("ArrowLeft")
        ages_ms(page, seq)
        assert f"event={seq}" in page.evaluate("() => location.search")
    page.keyboard.press("ArrowRight")
    ages_ms(page, 14)
    for _ in range(20):
        page.keyboard.press("ArrowLeft")
    ages_ms(page, 1)
    page.keyboard.press("Escape")
    expect(page.locator("#event-sentence")).to_have_text("")
    assert "event=" not in page.evaluate("() => location.search")


def test_a_click_freezes_the_picture_with_its_event(page: Page, classroom: RunningClassroom) -> None:
    run = watch_run(page, classroom)
    at = page.evaluate(
        """async () => {
          const { Timeline } = await import("/static/js/lanes/timeline.js");
          const { store, serverNow } = window.classroom;
          const data = store.current;
          const to_ns = new Timeline().shownNs(serverNow(), data, true);
          const box = document.querySelector("#lanes .lanes-window").getBoundingClientRect();
          const event = data.published.get(15);
          return { x: box.left + box.width * (1 - (to_ns - event.published_ns) / 10e9), y: box.top + 10 };
        }"""
    )
    page.mouse.move(at["x"], at["y"])  # it lights up under the pointer, and is let go of with it
    ages_ms(page, 15)
    page.mouse.move(0, 0)
    expect(page.locator("#event-sentence")).to_have_text("")
    page.mouse.click(at["x"], at["y"])
    ages_ms(page, 15)
    expect(page.locator("#lanes-status")).to_contain_text(f"Frozen in run {run}")
    page.locator("#live-button").click()
    expect(page.locator("#event-sentence")).to_have_text("")


def test_an_address_brings_its_event(page: Page, classroom: RunningClassroom) -> None:
    run = classroom.start_run(rate_per_s=5.0, arrival="periodic", duration_s=300.0)
    wanted = (time.monotonic_ns() - run["t0_ns"]) // 200_000_000 + 40  # which is due when the page has long been open
    open_page(page, classroom, f"?event={wanted}")
    ages_ms(page, wanted)
    expect(page.locator("#lanes-status")).to_contain_text(f"Frozen in run {run['id']}")
    assert page.evaluate("() => location.search").endswith(f"event={wanted}")


@pytest.mark.parametrize("event", ["0", "-1", "x", "1e3", "9999999", ""])
def test_an_address_that_names_no_event(empty_page: Page, event: str) -> None:
    assert module(empty_page, "page/url_state.js", "m.eventOfUrl({ search: given })", f"?event={event}") is None


def test_an_event_that_is_followed_stands_out(page: Page, classroom: RunningClassroom) -> None:
    watch_run(page, classroom)
    page.keyboard.press("Space")
    before = page.evaluate(PICTURE)
    page.keyboard.press("ArrowRight")
    page.wait_for_function(f"(before) => {PICTURE} !== before", arg=before, timeout=PATIENCE_MS)


def test_the_nearest_event_is_found_in_each_lane(empty_page: Page) -> None:
    data = """(() => {
      const published = new Map([[1, { seq: 1, published_ns: 1e9 }], [2, { seq: 2, published_ns: 2e9 }]]);
      const deliveries = new Map([[1, { received_ns: 1.9e9 }]]);
      return { published, lanes: { sse: { deliveries } } };
    })()"""
    near = f"m.eventNear({data}, given.lane, given.at, 0.3e9)"
    for lane, at, seq in ((None, 1.9e9, 2), (None, 1.5e9, None), ("sse", 1.9e9, 1), ("sse", 2.2e9, 2)):
        assert module(empty_page, "lanes/geometry.js", near, {"lane": lane, "at": at}) == seq
