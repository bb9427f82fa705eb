"""The class in real browsers: a teacher's page and several devices, each with a browser context of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, ViewportSize, expect

from classroom.lanes.definitions import LANES
from tests.browser import still_context
from tests.classroom.conftest import PATIENCE_S, RunningClassroom, opened_page, running_classroom
from tests.classroom.page_driving import module

pytestmark = pytest.mark.takes_s(40)

PATIENCE_MS = PATIENCE_S * 1000
PHONE = ViewportSize(width=390, height=844)


@pytest.fixture(scope="module")
def open_class() -> Iterator[RunningClassroom]:
    """A classroom that devices can join."""
    with running_classroom("--host", "0.0.0.0") as opened:
        yield opened


@pytest.fixture
def teacher(browser: Browser, open_class: RunningClassroom) -> Iterator[Page]:
    with still_context(browser, base_url=open_class.url) as context, opened_page(context) as page:
        page.goto(f"/?key={open_class.teacher_key}#class")
        yield page


@contextmanager
def phone(browser: Browser, at: RunningClassroom, path: str | None = None, script: str = "") -> Iterator[Page]:
    """A device; `script` runs in its pages before their own."""
    options = {"base_url": at.url, "viewport": PHONE, "has_touch": True}
    with still_context(browser, **options) as context, opened_page(context) as page:
        context.add_init_script(script)
        page.goto(path or f"/join?code={at.join_code}")
        yield page


def client_of(device: Page) -> str:
    """The number that the class gave it, as the record has it."""
    return str(device.evaluate('JSON.parse(sessionStorage.getItem("class-membership")).client'))


def wait_for_number(page: Page, selector: str, at_least: int) -> None:
    """Until this number of the page, which it renews a few times a second, is so large."""
    page.wait_for_function(
        "([selector, least]) => Number(document.querySelector(selector).textContent) >= least",
        arg=[selector, at_least],
        timeout=PATIENCE_MS,
    )


def wait_for_bars(page: Page, transport: str) -> None:
    """Until a row's tallest bar takes more than half of its plot: the plot is drawn anew every second."""
    page.wait_for_function(
        """(transport) => {
          const heightOf = (element) => element.getBoundingClientRect().height;
          const row = document.querySelector(`.class-row[data-transport="${transport}"]`);
          const plot = heightOf(row.querySelector(".class-plot"));
          const tallest = Math.max(0, ...[...row.querySelectorAll(".class-bar")].map(heightOf));
          return plot / 2 < tallest && tallest < plot;
        }""",
        arg=transport,
        timeout=PATIENCE_MS,
    )


def serious(page: Page) -> list[str]:
    """Accessibility violations that axe calls serious or worse."""
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {one['help']}" for one in found if one["impact"] in ("serious", "critical")]


def test_the_teachers_page_invites_and_keeps_its_key_to_itself(teacher: Page, open_class: RunningClassroom) -> None:
    section = teacher.locator("#view-class")
    expect(section.locator('[data-field="join_code"]')).to_have_text(str(open_class.join_code), timeout=PATIENCE_MS)
    expect(section.locator('[data-field="join_address"]')).to_contain_text(f":{open_class.page_port}/join")
    expect(section.locator(".class-qr svg path").first).to_be_attached()
    assert str(open_class.teacher_key) not in teacher.url
    assert serious(teacher) == []
    teacher.reload()
    expect(section.locator('[data-field="join_code"]')).to_have_text(str(open_class.join_code), timeout=PATIENCE_MS)


def test_devices_join_measure_and_the_teacher_sees_it(
    browser: Browser, teacher: Page, open_class: RunningClassroom
) -> None:
    with ExitStack() as stack:
        phones = [stack.enter_context(phone(browser, open_class)) for _ in range(4)]
        titles = set()
        for device in phones:
            expect(device.locator("#device-title")).to_contain_text("You are", timeout=PATIENCE_MS)
            titles.add(device.locator("#device-title").inner_text())
        assert titles == {f"You are {lane.label}" for lane in LANES}
        teacher.locator(".class-size").click()
        expect(teacher.locator('.class-figures [data-field="devices"]')).to_have_text("4", timeout=PATIENCE_MS)
        run = open_class.start_run(rate_per_s=10, arrival="periodic", duration_s=6, auto=False)
        record = open_class.record_when_ended()
        assert record["run"]["id"] == run["id"]
        for device in phones:
            transport = device.locator(".join-lane").get_attribute("data-transport")
            recorded = record["clients"][client_of(device)][transport]
            # All 60, unless the machine was so slow that the last of them came after the end of the run.
            assert recorded["delivered"] == list(range(1, len(recorded["delivered"]) + 1)) != []
            delivered = str(len(recorded["delivered"]))
            expect(device.locator('[data-field="delivered"]')).to_have_text(delivered, timeout=PATIENCE_MS)
            # One request may be under way at the end, and some more until the device hears of it.
            wait_for_number(device, '[data-field="requests"]', recorded["requests"])
            row = teacher.locator(f'.class-table tr[data-transport="{transport}"] td')
            expect(row.nth(1)).to_have_text(delivered, timeout=PATIENCE_MS)
            expect(row.nth(5)).to_have_text("0", timeout=PATIENCE_MS)
            wait_for_bars(teacher, str(transport))
        assert serious(teacher) == []
        for device in phones:
            assert serious(device) == []
            width = device.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
            assert width[0] <= width[1]
        laptop = phones[0]
        laptop.set_viewport_size({"width": 1280, "height": 720})
        laptop.wait_for_function("innerWidth === 1280")
        left_of = "(labels) => labels.map((label) => label.getBBox().x)"
        assert min(laptop.locator(".join-strip text").evaluate_all(left_of)) >= 0
        phones.pop().context.close()
        expect(teacher.locator('.class-figures [data-field="devices"]')).to_have_text("3", timeout=PATIENCE_MS)
        expect(teacher.locator(".class-row")).to_have_count(4)
        expect(teacher.locator("#view-class .scroll-x[tabindex='0'] .class-table")).to_have_count(1)


def test_runs_are_started_chosen_and_stopped_in_the_class_view(teacher: Page, open_class: RunningClassroom) -> None:
    section = teacher.locator("#view-class")
    status = section.locator(".class-run-status")
    with teacher.expect_response("**/api/run", timeout=PATIENCE_MS) as answered:
        section.get_by_role("button", name="Ticker").click()
    run = answered.value.json()
    assert run["settings"]["rate_per_s"] == 10
    expect(status).to_contain_text(f"Live, run {run['id']}:", timeout=PATIENCE_MS)
    expect(section.locator('[data-preset="ticker"]')).to_have_attribute("aria-pressed", "true")
    expect(section.locator(".class-run-settings")).to_contain_text("A short poll asks every 1")
    section.get_by_role("button", name="Stop").click()
    expect(status).to_have_text(f"Run {run['id']} is over: it was stopped", timeout=PATIENCE_MS)
    with teacher.expect_response("**/api/run", timeout=PATIENCE_MS) as answered:
        section.get_by_role("button", name="Start again").click()
    assert answered.value.json()["settings"] == run["settings"]
    open_class.request("POST", "/api/stop")
    section.locator(".class-size").click()
    expect(section.locator(".class-caption")).to_contain_text("Clocks agree to")
    teacher.set_viewport_size({"width": 1280, "height": 720})
    expect(section.locator(".class-run-settings")).to_be_in_viewport(ratio=1)
    assert section.locator(".class-run-settings").evaluate("(text) => text.scrollWidth <= text.clientWidth")
    expect(section.locator(".class-axis")).to_be_in_viewport(ratio=1)
    expect(section.locator(".class-table thead")).to_contain_text("Oldest")
    assert serious(teacher) == []


def test_the_notice_of_a_page_that_was_hidden_goes_away(browser: Browser, open_class: RunningClassroom) -> None:
    with phone(browser, open_class) as device:
        expect(device.locator("#device-title")).to_contain_text("You")
        for hidden in (True, False):
            device.evaluate(
                """(hidden) => {
                  Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
                  document.dispatchEvent(new Event("visibilitychange"));
                }""",
                hidden,
            )
            expect(device.locator("#notice")).to_contain_text("nothing was measured")
        expect(device.locator("#notice")).to_be_hidden()


def test_after_a_pause_only_what_is_due_once_the_clock_is_known_again_counts(empty_page: Page) -> None:
    counted = module(
        empty_page,
        "joining/join_numbers.js",
        """(() => {
          const numbers = new m.LaneNumbers();
          const counts = (seq, due) => numbers.received(seq, due * 1e9, due * 1e9 + 1);
          const before = counts(1, 1);
          numbers.pause();
          const paused = counts(2, 2);
          numbers.countFrom(4e9);
          return [before, paused, counts(3, 3), counts(4, 4)];
        })()""",
    )
    assert counted == [True, False, False, True]


@pytest.mark.parametrize(("own", "said"), [(None, ""), ({"age": "same"}, "you said as long, ")])
def test_a_device_is_told_what_it_said_only_if_it_voted(
    empty_page: Page, own: dict[str, str] | None, said: str
) -> None:
    part = {"id": "age", "ask": "Age", "choices": [{"value": "same", "text": "as long"}]}
    vote: dict[str, Any] = {
        "id": str(own), "state": "decided", "question": {"title": "", "text": "", "parts": [part]}, "own": own,
        "right": {"age": []}, "shown": {"age": "half"},
    }  # fmt: skip
    told = module(
        empty_page,
        "joining/vote_panel.js",
        """(() => {
          const place = document.createElement("section");
          new m.VotePanel(place).show(given);
          return place.querySelector("p").textContent;
        })()""",
        vote,
    )
    assert told == f"Age: {said}the run shows half."


def test_a_wrong_code_is_said_and_the_right_one_still_works(browser: Browser, open_class: RunningClassroom) -> None:
    with phone(browser, open_class, "/join") as device:
        device.fill("#code", "wrong1")
        device.get_by_role("button", name="Join").click()
        expect(device.locator("#join-error")).to_contain_text("not the code", timeout=PATIENCE_MS)
        assert serious(device) == []
        device.fill("#code", f" {str(open_class.join_code).lower()} ")
        device.get_by_role("button", name="Join").click()
        expect(device.locator("#device-title")).to_contain_text("You are", timeout=PATIENCE_MS)


def test_the_bare_address_leads_to_the_join_page(browser: Browser, open_class: RunningClassroom) -> None:
    with phone(browser, open_class, "/") as device:
        expect(device.get_by_label("The code on the projector")).to_be_visible(timeout=PATIENCE_MS)


def test_a_device_that_reloads_is_the_same_device(browser: Browser, open_class: RunningClassroom) -> None:
    with phone(browser, open_class) as device:
        status = device.locator("#connection-status")
        expect(status).to_contain_text("Device", timeout=PATIENCE_MS)
        before = status.inner_text(), device.locator("#device-title").inner_text()
        device.reload()
        expect(device.locator("#device-title")).to_contain_text("You are", timeout=PATIENCE_MS)
        expect(status).to_contain_text("Device", timeout=PATIENCE_MS)
        assert (status.inner_text(), device.locator("#device-title").inner_text()) == before


def test_a_device_that_the_class_does_not_know_any_more_joins_with_its_number(
    browser: Browser, open_class: RunningClassroom
) -> None:
    with phone(browser, open_class) as device:
        expect(device.locator("#connection-status")).to_contain_text("Device", timeout=PATIENCE_MS)
        device.evaluate(
            """() => {
              const known = JSON.parse(sessionStorage.getItem("class-membership"));
              sessionStorage.setItem("class-membership", JSON.stringify({ ...known, client: 12345 }));
            }"""
        )
        device.reload()
        expect(device.locator("#device-title")).to_contain_text("You are", timeout=PATIENCE_MS)
        assert client_of(device) == "12345"


def test_the_teacher_can_give_everyone_all_transports(
    browser: Browser, teacher: Page, open_class: RunningClassroom
) -> None:
    with phone(browser, open_class) as device:
        expect(device.locator(".join-lane")).to_have_count(1, timeout=PATIENCE_MS)
        teacher.locator(".class-size").click()
        teacher.get_by_role("button", name="All four on every device").click()
        expect(device.locator(".join-lane")).to_have_count(4, timeout=PATIENCE_MS)
        expect(device.locator("#device-title")).to_have_text("You have all four")
        open_class.start_run(rate_per_s=10, arrival="periodic", duration_s=4, auto=False)
        recorded = open_class.record_when_ended()["clients"][client_of(device)]
        for lane in LANES:
            card = device.locator(f'.join-lane[data-transport="{lane.transport}"]')
            delivered = len(recorded[lane.transport]["delivered"])
            assert delivered > 0
            expect(card.locator('[data-field="delivered"]')).to_have_text(str(delivered), timeout=PATIENCE_MS)
        assert serious(device) == []
        teacher.get_by_role("button", name="One transport per device").click()
        expect(device.locator(".join-lane")).to_have_count(1, timeout=PATIENCE_MS)


def test_alone_the_class_view_says_how_to_open_the_class(page: Page) -> None:
    page.goto("/#class")
    expect(page.locator("#view-class")).to_contain_text("make demo HOST=0.0.0.0", timeout=PATIENCE_MS)
    assert serious(page) == []
