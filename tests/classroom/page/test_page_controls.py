"""The page's controls change the traffic as the model predicts; the address keeps them; mistakes get a sentence."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.classroom.conftest import RunningClassroom
from tests.classroom.page_driving import PATIENCE_MS, open_page, snapshot, wait_for_end, wait_until_shown

pytestmark = pytest.mark.takes_s(50)


def set_fields(page: Page, **fields: str) -> None:
    """Open the settings and fill some of them in."""
    if page.locator("#settings-fields").is_hidden():
        page.locator("#settings-button").click()
    for name, value in fields.items():
        field = page.locator(f"#setting-{name}")
        if name in {"arrival", "cursor"}:
            field.select_option(value)
        else:
            field.fill(value)


@contextmanager
def starting(page: Page, classroom: RunningClassroom) -> Iterator[list[int]]:
    """What is done inside has the page start a run; afterwards its id is in the list, and the page has heard of it.

    Runs that follow by themselves are stopped, so that this one stays the last.
    """
    started: list[int] = []
    with page.expect_response("**/api/run", timeout=PATIENCE_MS) as answered:
        yield started
    started.append(answered.value.json()["id"])
    classroom.request("POST", "/api/auto", json={"auto": False})
    expect(page.locator("body")).to_have_attribute("data-run-id", str(started[0]))


def start(page: Page, classroom: RunningClassroom) -> int:
    """Press the button; the id of the run that it started."""
    with starting(page, classroom) as started:
        page.locator("#start-button").click()
    return started[0]


@pytest.mark.parametrize("interval_s", [0.25, 1.0])
def test_short_polls_come_once_per_interval(page: Page, classroom: RunningClassroom, interval_s: float) -> None:
    open_page(page, classroom)
    set_fields(page, poll_interval_s=str(interval_s), duration_s="5", rate_per_s="2")
    run_id = start(page, classroom)
    wait_for_end(page, run_id)
    mine = classroom.record()["clients"][str(page.evaluate("() => window.classroom.client"))]["short_poll"]
    arrived_ns = [arrived for _, arrived, *_ in mine["requests_log"]]
    assert len(arrived_ns) >= 4
    # The middle one, roughly: a busy machine sends polls late, and the page then leaves out others.
    assert statistics.median(np.diff(arrived_ns)) == pytest.approx(interval_s * 1e9, rel=0.25)
    wait_until_shown(page, "short_poll", "requests", len(arrived_ns))


def test_without_a_cursor_polls_miss_what_channels_do_not(page: Page, classroom: RunningClassroom) -> None:
    open_page(page, classroom)
    set_fields(page, cursor="false", duration_s="4", rate_per_s="10", arrival="periodic", poll_interval_s="1")
    run_id = start(page, classroom)
    wait_for_end(page, run_id)
    record = classroom.record()
    mine = record["clients"][str(page.evaluate("() => window.classroom.client"))]
    published = len(record["published"])
    for transport in ("websocket", "sse"):
        wait_until_shown(page, transport, "missed", 0)
    for transport in ("long_poll", "short_poll"):
        missed = published - len(mine[transport]["delivered"])
        wait_until_shown(page, transport, "missed", missed)
        assert missed > 0


def test_a_preset_starts_its_run_and_is_shown_as_chosen(page: Page, classroom: RunningClassroom) -> None:
    open_page(page, classroom)
    with starting(page, classroom) as started:
        page.get_by_role("button", name="Ticker").click()
    expect(page.locator('[data-preset="ticker"]')).to_have_attribute("aria-pressed", "true")
    expect(page.locator('[data-preset="chat"]')).to_have_attribute("aria-pressed", "false")
    expect(page.locator("#settings-summary")).to_contain_text("10\N{NO-BREAK SPACE}events")
    page.locator("#lanes-status", has_text=f"Live, run {started[0]}").wait_for()
    settings = classroom.record()["run"]["settings"]
    assert (settings["rate_per_s"], settings["arrival"], settings["payload_bytes"]) == (10, "periodic", 120)


def test_nothing_can_be_started_before_the_scripts_are_there(page: Page, classroom: RunningClassroom) -> None:
    page.route("**/js/page/main.js", lambda route: route.abort())
    page.goto(classroom.url)
    expect(page.locator("#start-button")).to_be_disabled()
    expect(page.locator("#stop-button")).to_be_disabled()


def test_stop_ends_the_run(page: Page, classroom: RunningClassroom) -> None:
    open_page(page, classroom)
    run_id = start(page, classroom)
    page.locator("#stop-button").click()
    wait_for_end(page, run_id)
    assert classroom.record()["ended"]


def test_the_address_keeps_the_settings_and_brings_them_back(page: Page, classroom: RunningClassroom) -> None:
    open_page(page, classroom)
    usual = {"poll_interval_s": "1", "hold_s": "30", "payload_bytes": "100", "cursor": "true", "duration_s": "30"}
    set_fields(page, **usual, rate_per_s="7", arrival="burst", one_way_delay_ms="20", seed="11")
    start(page, classroom)
    query = page.evaluate("() => location.search")
    assert set(query.lstrip("?").split("&")) == {"rate_per_s=7", "arrival=burst", "one_way_delay_ms=20", "seed=11"}
    classroom.start_run(rate_per_s=1.0)
    with starting(page, classroom) as started:
        open_page(page, classroom, query)
    expect(page.locator("#setting-rate_per_s")).to_have_value("7")
    expect(page.locator("#setting-seed")).to_have_value("11")
    page.locator("#lanes-status", has_text=f"Live, run {started[0]}").wait_for()
    settings = snapshot(page)["run"]["settings"]
    assert (settings["rate_per_s"], settings["arrival"], settings["seed"]) == (7, "burst", 11)


def test_a_mistyped_address_shows_the_defaults(page: Page, classroom: RunningClassroom) -> None:
    classroom.start_run(duration_s=5.0)
    open_page(page, classroom, "?rate_per_s=1e9&arrival=sometimes&hold_s=&cursor=perhaps&payload_bytes=1.5&nonsense=1")
    expect(page.locator("#setting-rate_per_s")).to_have_value("1")
    expect(page.locator("#setting-payload_bytes")).to_have_value("100")
    expect(page.locator("#banner")).to_be_hidden()


def test_a_wrong_value_is_named_and_starts_nothing(page: Page, classroom: RunningClassroom) -> None:
    open_page(page, classroom)
    page.locator("#lanes-status", has_text="un ").wait_for()
    before = classroom.record()["run"]["settings"]
    for field, wrong, told in (
        ("rate_per_s", "1000", "“Events per s” must be a number from 0.05 to 100, not 1000."),
        ("poll_interval_s", "", "“Poll every (s)” must be a number from 0.1 to 10."),
        ("payload_bytes", "2.5", "“Payload (B)” must be a whole number from 0 to 10000, not 2.5."),
        ("seed", "-4", "“Seed” must be a whole number from 0, or empty."),
    ):
        right = page.locator(f"#setting-{field}").input_value()
        set_fields(page, **{field: wrong})
        page.locator("#start-button").click()
        expect(page.locator("#controls-error")).to_have_text(told)
        expect(page.locator('[aria-invalid="true"]')).to_have_id(f"setting-{field}")
        assert classroom.record()["run"]["settings"] == before
        set_fields(page, **{field: right})


def test_the_servers_refusal_is_shown_and_the_page_goes_on(page: Page, classroom: RunningClassroom) -> None:
    open_page(page, classroom)
    refusal = page.evaluate(
        """() => {
          const { settings, startRun } = window.classroom;
          return startRun({ ...settings(), rate_per_s: "many" }).catch((error) => error.message);
        }"""
    )
    assert "rate_per_s" in refusal
    run_id = start(page, classroom)
    page.locator("#lanes-status", has_text=f"Live, run {run_id}").wait_for(timeout=PATIENCE_MS)
