"""The knobs: sliders that act on the run that is on, and the model's curve beside them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import still_context
from tests.classroom.conftest import RunningClassroom, opened_page, row_of_free_ports, running_classroom
from tests.classroom.page_driving import PATIENCE_MS, module, open_page, shown, snapshot

pytestmark = pytest.mark.takes_s(30)


@pytest.fixture
def knobs(page: Page, classroom: RunningClassroom) -> Iterator[Page]:
    """A page with its knobs shown, and a run on."""
    open_page(page, classroom)
    page.locator("#knobs-button").click()
    run = classroom.start_run(rate_per_s=10.0, arrival="periodic", one_way_delay_ms=40.0, duration_s=120.0)
    page.locator("#lanes-status", has_text=f"Live, run {run['id']}: ").wait_for(timeout=PATIENCE_MS)
    expect(page.locator("#knob-one_way_delay_ms")).to_have_value("40")
    yield page
    classroom.request("POST", "/api/stop")


def turn(page: Page, name: str, value: float) -> dict[str, Any]:
    """Put a slider where it stands for this value; the run as it goes on."""
    with page.expect_response("**/api/change", timeout=PATIENCE_MS) as answered:
        page.evaluate(
            """async ([name, value]) => {
              const { KNOBS } = await import("/static/js/page/watch/knobs.js");
              const slider = document.getElementById(`knob-${name}`);
              slider.value = String(KNOBS[name].at(value));
              slider.dispatchEvent(new Event("input", { bubbles: true }));
            }""",
            [name, value],
        )
    run: dict[str, Any] = answered.value.json()
    page.wait_for_function("(at) => window.classroom.store.current.figures_from_ns === at", arg=run["changed_ns"])
    return run


def test_a_longer_way_takes_the_long_poll_over_its_cliff(knobs: Page, classroom: RunningClassroom) -> None:
    before = classroom.record()["run"]["id"]
    run = turn(knobs, "one_way_delay_ms", 60)
    assert run["id"] == before
    expect(knobs.locator("#numbers-note")).to_contain_text("Since the settings were changed")
    median = '[data-transport="long_poll"][data-field="p50_ms"]'
    # A round trip of 120 ms, and an event each 100 ms: by the model 120 ms, and a busy machine is only later.
    knobs.wait_for_function(
        "(cell) => Number(document.querySelector(cell).dataset.value) >= 110", arg=median, timeout=PATIENCE_MS
    )
    expect(knobs.locator("#knobs-caption")).to_contain_text(re.compile("Long poll 120.ms"))
    assert "one_way_delay_ms=60" in knobs.evaluate("() => location.search")
    expect(knobs.locator("#knobs-curve canvas")).to_be_visible()


def test_polls_come_in_the_new_interval_at_once(knobs: Page) -> None:
    turn(knobs, "poll_interval_s", 5)
    run = turn(knobs, "poll_interval_s", 0.2)
    knobs.wait_for_function(
        """(at) => [...window.classroom.store.current.lanes.short_poll.requests.values()]
          .filter(({ sent_ns }) => sent_ns > at).length >= 8""",
        arg=run["changed_ns"],
        timeout=PATIENCE_MS,
    )
    rows = snapshot(knobs)["lanes"]["short_poll"]["requests"]
    sent = sorted(row["sent_ns"] for row in rows if (row["sent_ns"] or 0) > run["changed_ns"])
    gaps = sorted(later - earlier for earlier, later in pairwise(sent))
    assert gaps[len(gaps) // 2] == pytest.approx(0.2e9, rel=0.4)


def test_figures_start_afresh_and_say_so(knobs: Page, classroom: RunningClassroom) -> None:
    knobs.wait_for_function("() => window.classroom.store.current.published.size >= 15", timeout=PATIENCE_MS)
    run = turn(knobs, "rate_per_s", 1)
    knobs.wait_for_function(
        "(at) => [...window.classroom.store.current.published.values()].filter((e) => e.due_ns > at).length >= 2",
        arg=run["changed_ns"],
        timeout=PATIENCE_MS,
    )
    knobs.locator('[data-transport="websocket"][data-field="delivered"]:not([data-value="0"])').wait_for()
    classroom.request("POST", "/api/stop")
    knobs.locator("#lanes-status", has_text="is over").wait_for()
    record = classroom.record()
    since = {seq for seq, due_ns, *_ in record["published"] if due_ns >= run["changed_ns"]}
    assert len(since) < 15 <= len(record["published"])
    mine = record["clients"][str(knobs.evaluate("() => window.classroom.client"))]
    expect(knobs.locator('[data-transport="websocket"][data-field="delivered"]')).to_have_attribute(
        "data-value", str(len(since & set(mine["websocket"]["delivered"])))
    )
    assert shown(knobs, "websocket", "requests") == 0


def test_where_no_run_is_on_a_slider_starts_one(page: Page, classroom: RunningClassroom) -> None:
    open_page(page, classroom)
    page.locator("#knobs-button").click()
    classroom.request("POST", "/api/stop")
    page.locator("#lanes-status", has_text="is over").wait_for()
    with page.expect_response("**/api/run", timeout=PATIENCE_MS) as answered:
        page.locator("#knob-one_way_delay_ms").fill("100")
    assert answered.value.json()["settings"]["one_way_delay_ms"] == 100


def test_a_slider_that_somebody_holds_is_not_moved_by_what_others_change(
    knobs: Page, classroom: RunningClassroom
) -> None:
    slider = knobs.locator("#knob-one_way_delay_ms")
    slider.dispatch_event("pointerdown")
    classroom.request("POST", "/api/change", json={"one_way_delay_ms": 90, "poll_interval_s": 2}).raise_for_status()
    expect(knobs.locator("#knob-poll_interval_s")).to_have_value("2")
    expect(slider).to_have_value("40")
    slider.dispatch_event("pointerup")
    expect(slider).to_have_value("90")


def test_a_slider_that_is_dragged_during_a_restart_says_why_it_goes_back_and_acts_again(browser: Browser) -> None:
    ports = ("--port", str(row_of_free_ports()))
    with still_context(browser) as context, opened_page(context) as page:
        slider, error = page.locator("#knob-one_way_delay_ms"), page.locator("#knobs-error")
        with running_classroom(*ports) as first:
            open_page(page, first, "?one_way_delay_ms=40")
            page.locator("#knobs-button").click()
            page.locator("#lanes-status", has_text="Live, run").wait_for()
            began_ns = page.evaluate("() => window.classroom.store.current.run.t0_ns")
        slider.fill("100")
        expect(error).to_have_text("The server did not answer.")
        expect(slider).to_have_value("40")
        slider.dispatch_event("pointerdown")
        slider.fill("120")
        with running_classroom(*ports) as second:
            page.wait_for_function(
                """(before) => {
                  const { run } = window.classroom.store.current;
                  return run.t0_ns !== before && run.settings.one_way_delay_ms === 40;
                }""",
                arg=began_ns,
            )
            expect(error).to_be_hidden()
            with page.expect_response("**/api/change", timeout=PATIENCE_MS):
                slider.fill("60")
            slider.dispatch_event("pointerup")
            expect(slider).to_have_value("60")
            expect(error).to_be_hidden()
            assert second.record()["run"]["settings"]["one_way_delay_ms"] == 60


@pytest.mark.parametrize("name", ["rate_per_s", "poll_interval_s", "one_way_delay_ms"])
def test_each_place_of_a_slider_is_a_setting(empty_page: Page, name: str) -> None:
    values = module(
        empty_page,
        "page/watch/knobs.js",
        """(({ min = 0, max, step, of, at }) => {
          const places = Array.from({ length: Math.floor((max - min) / step) + 1 }, (_, index) => min + index * step);
          return places.map((place) => [of(place), of(Math.round(at(of(place)) / step) * step)]);
        })(m.KNOBS[given])""",
        name,
    )
    assert all(value == pytest.approx(again, rel=0.06) for value, again in values)
    assert sorted(value for value, _ in values) == [value for value, _ in values]
