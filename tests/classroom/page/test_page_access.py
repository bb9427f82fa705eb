"""Who uses the page: keys, tabs, screen readers, small and large screens; and that it asks no other host."""

from __future__ import annotations

import re
from typing import Literal
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.classroom.conftest import RunningClassroom, opened_page
from tests.classroom.page_driving import TRANSPORTS, open_page, wait_for_traffic

pytestmark = pytest.mark.takes_s(40)

SIZES = [(1920, 1080), (1280, 720), (390, 844)]
VIEWS = ["watch", "predict", "lesson", "class"]
COLOURS: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def test_axe_finds_nothing_serious(page: Page, classroom: RunningClassroom) -> None:
    page.set_viewport_size({"width": 1280, "height": 720})
    open_page(page, classroom)
    wait_for_traffic(page)
    page.locator("#settings-button").click()
    for summary in page.locator("#view-watch summary").all():
        summary.click()
    for view in VIEWS:
        page.locator(f"#tab-{view}").click()
        expect(page.locator(f"#view-{view}")).to_be_visible()
        if view == "lesson":
            expect(page.locator('[data-action="play"]')).to_be_enabled()  # its programs are there
        for colours in COLOURS:
            page.emulate_media(color_scheme=colours)
            assert serious(page) == [], (view, colours)


def serious(page: Page) -> list[tuple[str, str, str]]:
    return [
        (violation["id"], node["html"], node["failureSummary"])
        for violation in Axe().run(page).response["violations"]
        if violation["impact"] in {"serious", "critical"}
        for node in violation["nodes"]
    ]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_nothing_is_wider_than_the_screen(page: Page, classroom: RunningClassroom, size: tuple[int, int]) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    open_page(page, classroom)
    wait_for_traffic(page)
    page.locator("#settings-button").click()
    too_wide = page.evaluate(
        """() => [...document.querySelectorAll("body *")]
          .filter((el) => el.checkVisibility())
          .filter((el) => !el.closest(".scroll-x, .visually-hidden, svg, thead, .lanes-window > *"))
          .filter((el) => el.getBoundingClientRect().right > innerWidth + 1 || el.getBoundingClientRect().left < -1)
          .map((el) => el.outerHTML.slice(0, 80))"""
    )
    scroll_width = page.evaluate("() => document.documentElement.scrollWidth")
    assert too_wide == []
    assert scroll_width == size[0]


def test_what_may_scroll_sideways_can_be_reached_by_keys(page: Page, classroom: RunningClassroom) -> None:
    """Whether it does depends on how long its numbers are at the moment; people without a mouse may need it to."""
    open_page(page, classroom)
    for view in VIEWS:
        page.locator(f"#tab-{view}").click()
        expect(page.locator(f"#view-{view} .scroll-x:not([tabindex='0'][aria-label])")).to_have_count(0)
    expect(page.locator("#numbers[tabindex='0'] table")).to_have_count(1)


def test_open_settings_leave_all_lanes_in_sight_on_a_small_projector(page: Page, classroom: RunningClassroom) -> None:
    page.set_viewport_size({"width": 1280, "height": 720})
    open_page(page, classroom)
    page.locator("#settings-button").click()
    expect(page.locator("#setting-seed")).to_be_visible()
    lanes = page.locator("#lanes").bounding_box()
    assert lanes is not None
    assert lanes["y"] + lanes["height"] <= 720
    assert lanes["height"] >= 300


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_a_long_word_breaks_no_view(page: Page, classroom: RunningClassroom, size: tuple[int, int]) -> None:
    """A message of the lesson, sent there and back, and a refusal that names what was asked for."""
    page.set_viewport_size({"width": size[0], "height": size[1]})
    open_page(page, classroom, "#lesson")
    word = "W" * 200
    page.locator('[data-sample="loop"]').click()
    page.locator('[data-action="connect"]:enabled').click()
    page.locator('[data-action="send"]:enabled').wait_for()
    page.locator("#lesson-message").fill(word)
    page.locator('[data-action="send"]').click()
    page.locator(".lesson-table", has_text=f"Received: {word}").wait_for()
    page.evaluate(
        """(word) => {
          const { settings, startRun } = window.classroom;
          return startRun({ ...settings(), arrival: word }).catch((error) => {
            Object.assign(document.querySelector("#banner"), { hidden: false, textContent: error.message + word });
          });
        }""",
        word,
    )
    for view in VIEWS:
        page.locator(f"#tab-{view}").click()
        expect(page.locator(f"#view-{view}")).to_be_visible()
        assert page.evaluate("() => document.documentElement.scrollWidth") == size[0], view


def test_a_projector_shows_lanes_and_numbers_at_once(page: Page, classroom: RunningClassroom) -> None:
    page.set_viewport_size({"width": 1920, "height": 1080})
    open_page(page, classroom)
    box = page.locator("#numbers").bounding_box()
    size = page.evaluate("() => getComputedStyle(document.querySelector('[data-field=p50_ms]')).fontSize")
    assert box is not None
    assert box["y"] + box["height"] <= 1080
    assert float(size.removesuffix("px")) >= 20


def test_keys_choose_views_and_are_left_alone_in_fields(page: Page, classroom: RunningClassroom) -> None:
    open_page(page, classroom)
    for position, view in enumerate(VIEWS, start=1):
        page.keyboard.press(str(position))
        expect(page.locator(f"#tab-{view}")).to_have_attribute("aria-selected", "true")
        expect(page.locator(f"#view-{view}")).to_be_visible()
        expect(page.locator(".view:visible")).to_have_count(1)
        assert page.evaluate("() => location.hash") == f"#{view}"
    page.keyboard.press("1")
    page.locator("#settings-button").click()
    field = page.locator("#setting-rate_per_s")
    field.focus()
    page.keyboard.press("3")
    expect(page.locator("#view-watch")).to_be_visible()
    expect(field).to_have_value(re.compile("3"))


def test_space_freezes_even_after_a_click_on_a_button(page: Page, classroom: RunningClassroom) -> None:
    open_page(page, classroom)
    page.locator("#lanes-status", has_text="Live, run").wait_for()
    page.locator("#theme-button").click()
    page.keyboard.press("Space")
    expect(page.locator("#lanes-status")).to_contain_text("Frozen")


def test_space_on_a_focused_button_presses_it_and_k_freezes_all_the_same(
    page: Page, classroom: RunningClassroom
) -> None:
    open_page(page, classroom)
    page.locator("#lanes-status", has_text="Live, run").wait_for()
    page.locator("#knobs-button").focus()
    page.keyboard.press("Space")
    expect(page.locator("#knobs")).to_be_visible()
    expect(page.locator("#lanes-status")).to_contain_text("Live")
    page.keyboard.press("k")
    expect(page.locator("#lanes-status")).to_contain_text("Frozen")
    expect(page.locator("#knobs-button")).to_be_focused()


def test_a_slider_keeps_its_arrows_and_leaves_the_other_keys_to_the_page(
    page: Page, classroom: RunningClassroom
) -> None:
    open_page(page, classroom)
    # In its first second the scrubber is at its beginning, and Home changes nothing.
    page.locator("#lanes-status", has_text=re.compile(r"Live, run \d+: [1-9]")).wait_for()
    page.locator("#scrubber:enabled").focus()
    page.keyboard.press("Home")
    expect(page.locator("#lanes-status")).to_have_text(re.compile(r"^Frozen in run \d+ at 0\.0 s$"))
    page.keyboard.press("Space")
    expect(page.locator("#lanes-status")).to_contain_text("Live")
    page.keyboard.press("2")
    expect(page.locator("#view-predict")).to_be_visible()


def test_no_key_acts_behind_a_dialog(page: Page, classroom: RunningClassroom) -> None:
    open_page(page, classroom)
    page.locator("#lanes-status", has_text="Live, run").wait_for()
    page.get_by_role("button", name="Teacher", exact=True).click()
    dialog = page.locator("dialog[open]")
    expect(dialog).to_be_visible()
    dialog.get_by_role("heading").first.click()  # and so no button has the focus
    for key in ("2", "k", "ArrowLeft", "f", "PageDown", "Space"):
        page.keyboard.press(key)
    expect(page.locator("#view-watch")).to_be_visible()
    expect(page.locator("#lanes-status")).to_contain_text("Live")
    expect(page.locator(":root:fullscreen")).to_have_count(0)
    expect(dialog).to_be_visible()


def test_f_fills_the_screen(page: Page, classroom: RunningClassroom) -> None:
    open_page(page, classroom)
    page.keyboard.press("f")
    expect(page.locator(":root:fullscreen")).to_have_count(1)
    page.keyboard.press("f")
    expect(page.locator(":root:fullscreen")).to_have_count(0)


def test_tabs_follow_the_arrows_and_the_address(page: Page, classroom: RunningClassroom) -> None:
    open_page(page, classroom, "#lesson")
    expect(page.locator("#view-lesson")).to_be_visible()
    page.locator("#tab-lesson").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#tab-class")).to_be_focused()
    expect(page.locator("#view-class")).to_be_visible()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#tab-watch")).to_be_focused()


def test_dark_is_the_systems_choice_until_the_button_is_pressed(page: Page, classroom: RunningClassroom) -> None:
    page.emulate_media(color_scheme="dark")
    ground = "() => getComputedStyle(document.body).backgroundColor"
    open_page(page, classroom)
    dark = page.evaluate(ground)
    page.locator("#theme-button").click()
    light = page.evaluate(ground)
    page.reload()
    kept = page.evaluate(ground)
    assert dark != light == kept


def test_each_lane_and_counter_can_be_found(page: Page, classroom: RunningClassroom) -> None:
    open_page(page, classroom)
    fields = [
        "requests", "requests_per_event", "empty_ratio", "delivered", "missed", "header_bytes", "payload_bytes",
        "p50_ms", "p95_ms", "max_ms",
    ]  # fmt: skip
    selectors = [f'.lane[data-transport="{transport}"]' for transport in TRANSPORTS] + [
        f'[data-transport="{transport}"]{inside}[data-field="{field}"]'
        for transport in TRANSPORTS for field in fields for inside in ("", " ")
    ]  # fmt: skip
    counts = page.evaluate("(all) => all.map((one) => document.querySelectorAll(one).length)", selectors)
    assert dict(zip(selectors, counts, strict=True)) == dict.fromkeys(selectors, 1)


def test_no_other_host_is_asked_and_the_console_stays_silent(page: Page, classroom: RunningClassroom) -> None:
    hosts: set[str | None] = set()
    complaints: list[str] = []
    page.on("request", lambda request: hosts.add(urlsplit(request.url).hostname))
    page.on("websocket", lambda socket: hosts.add(urlsplit(socket.url).hostname))
    page.on(
        "console", lambda message: complaints.append(message.text) if message.type in {"error", "warning"} else None
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    open_page(page, classroom)
    wait_for_traffic(page)
    for key in "2341":
        page.keyboard.press(key)
    expect(page.locator("#view-watch")).to_be_visible()
    assert hosts == {"127.0.0.1"}
    assert complaints == []


@pytest.mark.parametrize(
    "ask",
    [
        "fetch('http://192.0.2.1/').catch(() => null)",
        "new Promise((done) => Object.assign(new Image(), { onerror: done, src: 'http://example.com/a.png' }))",
        "new Promise((done) => Object.assign(new WebSocket('ws://example.com/'), { onerror: done }))",
    ],
)
def test_a_page_that_asks_another_host_fails_its_test(browser: Browser, classroom: RunningClassroom, ask: str) -> None:
    """Also if the classroom's policy, which forbids it, came to allow it."""
    with (
        browser.new_context(base_url=classroom.url, bypass_csp=True) as context,
        pytest.raises(AssertionError),
        opened_page(context) as page,
    ):
        page.goto("/static/icon.svg")
        page.evaluate(f"() => {ask}.then(() => null)")
