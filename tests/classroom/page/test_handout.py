"""The hand-out: two black-and-white pages, whose answers are those of the run, of the model and of a real trace."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page

from classroom.run_settings import RunSettings
from tests.classroom.conftest import RunningClassroom
from tests.classroom.page_driving import PATIENCE_MS, module, open_page, wait_for_end

pytestmark = pytest.mark.takes_s(25, waits=True)

PAPERS = ("A4", "Letter")


def pages_of(pdf: bytes) -> int:
    """Chromium writes its page objects uncompressed."""
    return len(re.findall(rb"/Type\s*/Page\b", pdf))


def prepare(page: Page) -> None:
    """What the teacher's button does before it prints, without the browser's own print dialog."""
    page.evaluate("() => { window.print = () => { document.body.dataset.printed = 'yes'; }; }")
    page.get_by_role("button", name="Teacher", exact=True).click()
    page.get_by_role("button", name="Print the hand-out").click()
    page.locator("body[data-printed]").wait_for(timeout=PATIENCE_MS)


def test_two_pages_with_questions_and_with_answers(page: Page, classroom: RunningClassroom) -> None:
    open_page(page, classroom)
    run = classroom.start_run(duration_s=5, rate_per_s=2)
    wait_for_end(page, run["id"])
    prepare(page)
    for paper in PAPERS:
        assert pages_of(page.pdf(format=paper)) == 2
        assert pages_of(page.pdf(format=paper, print_background=False)) == 2
    questions, answers = (page.locator(f'.sheet[data-sheet="{number}"]') for number in (1, 2))
    assert questions.locator(".sheet-questions > li").count() == 5
    assert questions.locator(".lane-figure [data-transport]").count() == 4
    assert set(questions.locator(".blank-table tbody td:not(:first-child)").all_text_contents()) == {""}
    told = answers.locator(".answer-table tbody tr").all_text_contents()
    assert len(told) >= 8, "one message there and back, opened and closed"
    for step in ("101 Switching Protocols", "“Hello”", "“Received: Hello”", "CONNECTED", "DISCONNECTED"):
        assert any(step in row for row in told), step
    assert "not run yet" in answers.inner_text()
    assert "550\xa0ms" in answers.locator(".model-row").last.inner_text()


def test_its_answers_are_the_runs(page: Page, classroom: RunningClassroom) -> None:
    open_page(page, classroom)
    run = classroom.start_run(duration_s=5, rate_per_s=2)
    wait_for_end(page, run["id"])
    prepare(page)
    shown = {
        row.locator("th").text_content(): row.locator("td").all_text_contents()
        for row in page.locator(".lane-answers tbody tr:not(.model-row)").all()
    }
    [record] = [client for client in classroom.record()["clients"].values() if client["short_poll"]["requests"]]
    for lane, label in module(page, "shared/transports.js", "m.LABELS").items():
        requests, events = shown[label][:2]
        assert (int(requests), int(events)) == (record[lane]["requests"], len(record[lane]["delivered"]))


def test_before_any_run_it_is_two_pages_too(page: Page) -> None:
    page.route("**/api/model*", lambda route: route.abort())
    page.goto("/static/icon.svg")
    data: dict[str, Any] = {
        "run": None, "window": None, "settings": None, "recorded": False, "models": None, "questions": [],
        "steps": None,
    }  # fmt: skip
    html = module(page, "page/handout/sheets.js", "m.sheetsHtml(given)", data)
    assert html.count('class="sheet"') == 2
    assert "No run was seen yet" in html


@pytest.mark.parametrize("rate", [0.05, 1, 100])
@pytest.mark.parametrize("interval", [0.1, 10])
def test_the_window_shows_whole_polls_and_few_events(empty_page: Page, rate: float, interval: float) -> None:
    settings = RunSettings(rate_per_s=rate, poll_interval_s=interval).model_dump()
    assert 3 <= module(empty_page, "page/handout/window.js", "m.windowSeconds(given)", settings) <= 12


def test_the_window_is_where_about_four_events_are(empty_page: Page) -> None:
    due = [0.1, 5.2, 5.9, 6.1, 7.0, 12.0]
    given = {"due": [second * 1e9 for second in due], "length": 4e9}
    start_ns = module(empty_page, "page/handout/window.js", "m.chooseWindow(given.due, 0, 14e9, given.length)", given)
    assert sum(start_ns <= second * 1e9 < start_ns + 4e9 for second in due) == 4


def test_the_figures_facts_are_counted_from_its_rows(empty_page: Page) -> None:
    poll = {"sent_ns": 0.9e9, "arrived_ns": 1e9, "answered_ns": 1e9, "received_ns": 1.1e9, "empty": True}
    held = {"sent_ns": 0.1e9, "arrived_ns": 0.2e9, "answered_ns": 2e9, "received_ns": 2.1e9, "empty": False}
    run = {
        "events": [{"seq": 1, "due_ns": 2e9}, {"seq": 2, "due_ns": 9e9}],
        "lanes": [
            {"label": "Short poll", "requests": [poll], "deliveries": [{"seq": 1, "due_ns": 2e9, "at_ns": 2.9e9}]},
            {"label": "Long poll", "requests": [held], "deliveries": [{"seq": 1, "due_ns": 2e9, "at_ns": 2.1e9}]},
        ],
    }
    given = {"run": run, "window": {"startNs": 0, "lengthNs": 4e9}}
    facts = module(empty_page, "page/handout/facts.js", "m.figureFacts(given.run, given.window)", given)
    assert facts == {
        "events": [1],
        "empty": 1,
        "slowest": {"seq": 1, "label": "Short poll", "latency_ms": pytest.approx(900)},
        "longest_held": {"label": "Long poll", "held_ms": pytest.approx(1800)},
    }
