"""Lesson plans on the page: cards that set the stage, are taken up again, and end with the room's own numbers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import Page, Response, expect

from classroom.run_settings import PRESETS
from tests.classroom.conftest import RunningClassroom
from tests.classroom.page.test_page_access import serious
from tests.classroom.page_driving import module, open_page, wait_for_end

pytestmark = pytest.mark.takes_s(30)

CARDS = "m.ROUTES.map(({ id, cards }) => [id, cards])"


def plans(page: Page) -> dict[str, list[dict[str, Any]]]:
    return dict(module(page, "page/routes/cards.js", CARDS))


def take_up(page: Page, name: str) -> None:
    """Begin or go on with a plan, once the page has been told that it is the teacher's, who alone starts runs."""
    page.locator('body[data-teacher="true"]').wait_for()
    page.locator("#teacher-button").click()
    page.get_by_role("button", name=name, exact=True).click()
    page.locator("#route h2").wait_for()


@pytest.mark.parametrize(("plan", "minutes"), [("5", 5), ("15", 15), ("40", 40)])
def test_every_card_says_what_to_press_ask_and_see(empty_page: Page, plan: str, minutes: int) -> None:
    *cards, ending = plans(empty_page)[plan]
    assert ending["isEnding"]
    assert sum(card["minutes"] for card in cards) == pytest.approx(minutes, rel=0.25)
    for card in cards:
        assert all(card[part] for part in ("title", "press", "ask", "see"))
        assert card["view"] in {"watch", "predict", "lesson", "class"}
        assert card.get("preset", "steady") in PRESETS


@pytest.mark.parametrize("plan", ["5", "15", "40"])
def test_each_card_sets_its_stage(page: Page, classroom: RunningClassroom, plan: str) -> None:
    page.set_viewport_size({"width": 1280, "height": 720})
    cards = plans_of(page, classroom, plan)
    take_up(page, f"{plan} minutes")
    for index, card in enumerate(cards):
        expect(page.locator("#route")).to_have_attribute("data-card", str(index))
        expect(page.locator("#route h2")).to_have_text(card["title"])
        expect(page.locator(f"#tab-{card['view']}")).to_have_attribute("aria-selected", "true")
        if "preset" in card:
            expect(page.locator(f'[data-preset="{card["preset"]}"]')).to_have_attribute("aria-pressed", "true")
            expect(page.locator("#lanes-status")).not_to_contain_text("Frozen")
        if card.get("holds"):
            expect(page.locator("#freeze-button")).to_have_attribute("aria-pressed", "true")
        if card.get("knobs"):
            expect(page.locator("#knobs")).to_be_visible()
            expect(page.locator("#knob-one_way_delay_ms")).to_be_in_viewport()
            page.locator("#knob-one_way_delay_ms").click()  # what was dragged leaves the page keys to the plan
        if "question" in card:
            expect(page.locator(f'[data-step="{card["question"]}"]')).to_have_attribute("aria-current", "step")
            page.keyboard.press("s")
            expect(page.locator("#route-answer")).to_be_in_viewport(ratio=1)
            expect(page.get_by_role("button", name="Lock in my prediction")).to_be_in_viewport(ratio=1)
        if not card.get("isEnding"):
            page.keyboard.press("PageDown")
    expect(page.locator("#route").get_by_role("button", name="Next")).to_have_count(0)
    expect(page.locator("#route")).to_be_in_viewport(ratio=1)
    assert serious(page) == []
    page.set_viewport_size({"width": 390, "height": 844})
    cut = "all => all.filter((one) => one.getBoundingClientRect().right > innerWidth).map((one) => one.outerHTML)"
    assert page.locator("#route *").evaluate_all(cut) == []


def plans_of(page: Page, classroom: RunningClassroom, plan: str) -> list[dict[str, Any]]:
    open_page(page, classroom)
    page.locator("#lanes-status", has_text="Live, run").wait_for()
    return plans(page)[plan]


def test_a_plan_is_left_and_taken_up_again_after_a_reload(page: Page, classroom: RunningClassroom) -> None:
    open_page(page, classroom)
    take_up(page, "15 minutes")
    page.get_by_role("button", name="Next").click()
    expect(page.locator("#route")).to_have_attribute("data-card", "1")
    page.get_by_role("button", name="Leave").click()
    expect(page.locator("#route")).to_be_hidden()
    page.reload()
    take_up(page, "Go on: 15 minutes, card 2")
    expect(page.locator("#route")).to_have_attribute("data-card", "1")
    page.get_by_role("button", name="Back").click()
    expect(page.locator("#route")).to_have_attribute("data-card", "0")


def test_what_they_should_see_is_hidden_until_the_teacher_shows_it(page: Page, classroom: RunningClassroom) -> None:
    """On each card, also in print and for screen readers; what is shown stays so, on its own card only."""
    cards = plans_of(page, classroom, "5")
    take_up(page, "5 minutes")
    answer, button = page.locator("#route-answer"), page.locator(".route-reveal")
    expect(answer).to_have_text(cards[0]["see"])
    expect(answer).to_be_hidden()
    expect(button).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("s")
    expect(answer).to_be_visible()
    expect(button).to_have_attribute("aria-expanded", "true")
    assert serious(page) == []
    expect(page.locator("#announcer")).to_have_text(cards[0]["see"])
    page.keyboard.press("PageDown")
    expect(answer).to_have_text(cards[1]["see"])
    expect(answer).to_be_hidden()
    page.reload()
    take_up(page, "Go on: 5 minutes, card 2")
    expect(answer).to_be_hidden()
    page.keyboard.press("PageUp")
    expect(answer).to_have_text(cards[0]["see"])
    expect(answer).to_be_visible()
    button.click()
    expect(answer).to_be_hidden()
    page.get_by_role("button", name="Leave").click()
    page.keyboard.press("s")  # no card is on: the key does nothing
    take_up(page, "5 minutes")
    expect(answer).to_be_hidden()


def test_the_ending_has_this_rooms_own_numbers(page: Page, classroom: RunningClassroom) -> None:
    open_page(page, classroom)
    run = classroom.start_run(rate_per_s=5.0, arrival="periodic", duration_s=4.0)
    wait_for_end(page, run["id"])
    html = page.evaluate(
        """async () => {
          const { endingHtml } = await import("/static/js/page/routes/ending.js");
          const progress = { phase: "revealed", result: { outcome: "right" } };
          return endingHtml(window.classroom.store.finished, [{ progress }, { progress: { phase: "asked" } }]);
        }"""
    )
    client = str(page.evaluate("() => window.classroom.client"))
    short_poll = classroom.record()["clients"][client]["short_poll"]
    assert f"Run {run['id']} of this room" in html
    assert f"<td>{short_poll['requests'] / len(short_poll['delivered']):.2f}</td>" in html
    assert "Of 1 question put to the test: 1 right." in html
    take_up(page, "5 minutes")  # whose cards replace each other's runs before they have figures
    for card in range(1, 4):
        page.keyboard.press("PageDown")
        expect(page.locator("#route")).to_have_attribute("data-card", str(card))
    expect(page.locator("#route")).to_contain_text(f"Run {run['id']} of this room")


def has_started_steady(answer: Response) -> bool:
    """Whether it is of a card's run; a page that is opened starts one with the settings of its address."""
    return answer.url.endswith("/api/run") and json.loads(answer.request.post_data or "{}")["rate_per_s"] == 1


def test_where_nothing_was_measured_the_ending_says_so_and_what_to_do(page: Page, classroom: RunningClassroom) -> None:
    """A run that is stopped before its first event has no figures."""
    open_page(page, classroom)
    run = classroom.start_run(rate_per_s=0.05, duration_s=120.0, seed=61)  # the first event is due after 70 s
    page.locator("#lanes-status", has_text=f"Live, run {run['id']}").wait_for()
    classroom.request("POST", "/api/stop")
    wait_for_end(page, run["id"])
    html = page.evaluate(
        """async () => {
          const { endingHtml } = await import("/static/js/page/routes/ending.js");
          return endingHtml(window.classroom.store.finished, []);
        }"""
    )
    assert "This room has measured nothing yet" in html
    assert "<td>–</td>" not in html
    page.evaluate("""() => sessionStorage.setItem("lesson-plan", '{"route": "5", "card": 3}')""")
    page.reload()
    with page.expect_response(has_started_steady):
        take_up(page, "Go on: 5 minutes, card 4")
    expect(page.locator("#route")).to_contain_text("This room has measured nothing yet")
    with page.expect_response(has_started_steady) as answered:
        page.locator("#route").get_by_role("button", name="start one").click()
    page.locator("#lanes-status", has_text=f"Live, run {answered.value.json()['id']}").wait_for()


@pytest.mark.parametrize("kept", [None, {}, {"route": "7", "card": 0}, {"route": "5", "card": 99}, {"route": "5"}])
def test_what_was_kept_of_another_version_is_forgotten(empty_page: Page, kept: object) -> None:
    assert module(empty_page, "page/routes/cards.js", "m.placeOf(given)", kept) is None


def test_no_key_acts_behind_the_dialog(page: Page, classroom: RunningClassroom) -> None:
    open_page(page, classroom)
    page.locator("#teacher-button").click()
    page.keyboard.press("3")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#tab-watch")).to_have_attribute("aria-selected", "true")
