"""The class votes in real browsers: six phones, the teacher's page, and the run that decides."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser import still_context
from tests.classroom.conftest import RunningClassroom, opened_page, running_classroom
from tests.classroom.joining.test_class_pages import phone, serious

pytestmark = pytest.mark.takes_s(45)


@pytest.fixture(scope="module")
def open_class() -> Iterator[RunningClassroom]:
    """A classroom that devices can join."""
    with running_classroom("--host", "0.0.0.0") as opened:
        yield opened


@pytest.fixture
def teacher(browser: Browser, open_class: RunningClassroom) -> Iterator[Page]:
    with still_context(browser, base_url=open_class.url) as context, opened_page(context) as page:
        page.goto(f"/?key={open_class.teacher_key}#predict")
        page.locator('#connection-status[data-state="live"]').wait_for()
        page.locator('[data-step="1"]').click()
        yield page


def vote(device: Page, button: str = "Vote", **choices: str) -> None:
    for part, value in choices.items():
        device.locator(f'#vote [name="{part}"][value="{value}"]').check()
    device.get_by_role("button", name=button, exact=True).click()
    expect(device.locator(".vote-state")).to_contain_text("Your vote is counted")


def distribution(teacher: Page) -> list[dict[str, int]]:
    """The devices of each choice of each part, as the projector shows them; ✓ is before what is right."""
    found = []
    for table in teacher.locator(".votes").all():
        rows = [
            (row.locator(".bar-name").inner_text(), row.locator(".number").inner_text())
            for row in table.locator("tr").all()
        ]
        found.append({name.split("✓")[0].strip(): int(count) for name, count in rows})
    return found


def right_choices(teacher: Page) -> list[list[str]]:
    """The choices of each part that the projector marks as right."""
    return [
        [row.locator(".bar-name").inner_text().split("✓")[0].strip() for row in table.locator("tr[data-right]").all()]
        for table in teacher.locator(".votes").all()
    ]


def shorten_runs(page: Page) -> None:
    def shorten(route: Route) -> None:
        asked = json.loads(route.request.post_data or "{}")
        route.continue_(post_data=json.dumps(asked | {"duration_s": 4}))

    page.route("**/api/run", shorten)


def check_ask_the_class_is_in_sight_with_a_card(teacher: Page) -> None:
    """On a projector of 1280 × 720, for the question with the most choices."""
    teacher.set_viewport_size({"width": 1280, "height": 720})
    teacher.locator("#teacher-button").click()
    teacher.get_by_role("button", name="40 minutes", exact=True).click()
    for card in range(1, 6):
        teacher.keyboard.press("PageDown")
        expect(teacher.locator("#route")).to_have_attribute("data-card", str(card))
    expect(teacher.locator("#predict-title")).to_have_text("Long poll or WebSocket?")
    teacher.keyboard.press("s")
    expect(teacher.locator("#route-answer")).to_be_visible()
    for button in ("Lock in my prediction", "Ask the class"):
        expect(teacher.get_by_role("button", name=button)).to_be_in_viewport(ratio=1)
    teacher.get_by_role("button", name="Leave", exact=True).click()
    teacher.locator('[data-step="1"]').click()


def test_six_phones_vote_and_the_run_decides(browser: Browser, teacher: Page, open_class: RunningClassroom) -> None:
    shorten_runs(teacher)
    expect(teacher.get_by_role("button", name="Ask the class")).to_be_hidden()
    with ExitStack() as stack:
        phones = [stack.enter_context(phone(browser, open_class)) for _ in range(5)]
        teacher.get_by_text("5 devices get this question").wait_for()
        check_ask_the_class_is_in_sight_with_a_card(teacher)
        teacher.get_by_role("button", name="Ask the class").click()
        expect(teacher.locator(".predict-voted")).to_have_text("0 of 5 devices have voted.")
        expect(teacher.locator('[data-action="run"]')).to_be_disabled()
        late = stack.enter_context(phone(browser, open_class))
        phones.append(late)
        expect(late.locator("#vote h2")).to_have_text("Asking twice as often")
        answers = [
            ("half", "half"),
            ("same", "half"),
            ("same", "half"),
            ("twice", "twice"),
            ("twice", "half"),
            ("half", "twice"),
        ]
        for device, (requests, age) in zip(phones, answers, strict=True):
            vote(device, requests=requests, age=age)
        expect(teacher.locator(".predict-voted")).to_have_text("6 of 6 devices have voted.")
        assert serious(late) == []
        assert serious(teacher) == []
        width = late.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
        assert width[0] <= width[1]

        vote(late, "Change my vote", requests="twice")
        late.get_by_role("button", name="Change my vote").click()
        expect(late.locator(".vote-problem")).to_contain_text("counted already")
        expect(late.locator("#connection-status")).to_have_attribute("data-state", "live")
        expect(teacher.locator(".votes")).to_have_count(0)  # nobody copies from the others

        teacher.get_by_role("button", name="Close the vote").click()
        expect(teacher.locator(".votes")).to_have_count(2)
        voted = [
            {"half as many": 1, "about as many": 2, "twice as many": 3},
            {"about half as long": 4, "about as long": 0, "about twice as long": 2},
        ]
        assert distribution(teacher) == voted
        assert right_choices(teacher) == [[], []]
        for device in phones:
            expect(device.locator("#vote")).to_contain_text("The vote is closed")
        teacher.reload()
        expect(teacher.locator(".predict-question")).to_have_attribute("data-phase", "ready")
        assert distribution(teacher) == voted

        teacher.locator('[data-action="run"]').click()
        teacher.locator(".predict-verdict").wait_for()
        assert distribution(teacher) == voted
        said = [part.locator(".predict-said dd").all_inner_texts() for part in teacher.locator(".predict-part").all()]
        assert [part[0] for part in said] == ["twice as many", "about half as long"]
        assert all(len(names) == 1 for names in right_choices(teacher))
        for part, [right] in zip(said, right_choices(teacher), strict=True):
            assert part[1].startswith(f"{right} (")
        assert "the class" in teacher.locator(".predict-verdict").inner_text()
        for device, (requests, _) in zip(phones[:5], answers[:5], strict=True):
            outcome = device.locator("#vote p").first
            shown = {"half": "half as many", "same": "about as many", "twice": "twice as many"}[requests]
            expect(outcome).to_contain_text(f"you said {shown}, the run shows {said[0][1]}")
            expect(outcome).to_have_class("right" if [shown] == right_choices(teacher)[0] else "wrong")
        teacher.get_by_role("button", name="Next question").click()
        for device in phones:
            expect(device.locator("#vote")).to_be_hidden()


def test_a_run_closes_the_vote_and_a_class_votes_again(
    browser: Browser, teacher: Page, open_class: RunningClassroom
) -> None:
    shorten_runs(teacher)
    with phone(browser, open_class) as device:
        teacher.get_by_role("button", name="Ask the class").click()
        vote(device, requests="half", age="same")
        teacher.get_by_role("button", name="Close the vote").click()
        expect(teacher.locator(".votes")).to_have_count(2)
        teacher.get_by_role("button", name="Ask the class again").click()
        expect(teacher.locator(".votes")).to_have_count(0)
        expect(device.locator("#vote input:checked")).to_have_count(0)
        device.reload()
        vote(device, requests="twice", age="same")
        device.reload()
        expect(device.locator('#vote [name="requests"]:checked')).to_have_value("twice")
        expect(teacher.locator(".predict-voted")).to_contain_text("1 of")
        teacher.locator('[data-action="run"]').click()
        expect(device.locator("#vote")).to_contain_text("The vote is closed")
        teacher.locator(".predict-verdict").wait_for()
        assert distribution(teacher)[0]["twice as many"] == 1
        teacher.get_by_role("button", name="Predict again").click()
        expect(teacher.locator(".predict-question")).to_have_attribute("data-phase", "asked")
        expect(device.locator("#vote")).to_be_hidden()
        teacher.get_by_role("button", name="Ask the class").click()
        expect(device.locator("#vote")).to_be_visible()
        teacher.get_by_role("button", name="Withdraw the question").click()
        expect(device.locator("#vote")).to_be_hidden()
        expect(teacher.locator('[data-action="run"]')).to_be_disabled()
