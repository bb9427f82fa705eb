"""The hand-out: two black-and-white pages, whose answers are those of the run, of the model and of a real trace."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page

from classroom.run_settings import RunSettings
from tests.classroom.conftest import RunningClassroom
from tests.classroom.page_driving import PATIENCE_MS, module, open_page, wait_for_end

pytestmark = pytest.mark.takes_s(25)

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
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 695, "height": 1047})  # A4 within the sheet's margins
    assert page.evaluate("document.documentElement.scrollWidth") <= 695
    questions, answers = (page.locator(f'.sheet[data-sheet="{number}"]') for number in (1, 2))
    assert questions.locator(".sheet-questions > li").count() == 5
    assert questions.locator(".lane-figure [data-transport]").count() == 4
    assert set(questions.locator(".blank-table tbody td:not(:first-child)").all_text_contents()) == {""}
    told = answers.locator(".answer-table tbody tr").all_text_contents()
    assert len(told) >= 8, "one message there and back, opened and closed"
    for step in ("101 Switching Protocols", "“Hello”", "“Received: Hello”", "CONNECTED", "DISCONNECTED"):
        assert any(step in row for row in told), step
    assert questions.get_by_text("Long poll", exact=True).count() > 0
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


def print_by_key(page: Page) -> Locator:
    """Ctrl+P, without the browser's own print dialog; the sheets."""
    page.evaluate("() => { window.print = () => { document.body.dataset.printed = 'yes'; }; }")
    page.keyboard.press("Control+p")
    page.locator("body[data-printed]").wait_for(timeout=PATIENCE_MS)
    page.evaluate("() => { delete document.body.dataset.printed; }")
    return page.locator("#handout")


def assert_whole(page: Page, sheets: Locator, shown: str) -> None:
    """Two pages, with a figure of this run whose lanes have all that it says, and all answers."""
    assert pages_of(page.pdf(format="A4")) == 2
    assert re.search(rf"[\d.]+ s of {shown}", sheets.locator("figcaption").text_content() or "")
    figure = sheets.locator(".lane-figure")
    events = figure.locator('[data-part="events"] path').count()
    assert events > 0
    for transport in ("websocket", "sse"):
        assert abs(figure.locator(f'[data-transport="{transport}"] [data-part="delivery"]').count() - events) <= 1
    assert figure.locator('[data-transport="short_poll"] [data-part="request"]').count() >= 2
    assert sheets.locator(".sheet-missing").count() == 0
    assert "await websocket.receive_text()" in sheets.locator('[data-sheet="1"] .sheet-source').inner_html()
    assert set(sheets.locator(".answers td:nth-last-child(1):not([colspan])").all_text_contents()) & {"", "–"} == set()


def test_it_is_right_whenever_it_is_printed(page: Page, classroom: RunningClassroom) -> None:
    """Before a run is over, during the next one, and after one that was stopped."""
    classroom.start_run(duration_s=300)
    open_page(page, classroom)
    page.locator("#lanes-status", has_text="Live, run").wait_for()
    assert_whole(page, print_by_key(page), "a recorded run: 1.event/s")
    whole = classroom.start_run(duration_s=8, rate_per_s=2)
    wait_for_end(page, whole["id"])
    classroom.start_run(duration_s=300, rate_per_s=7)
    page.locator("#lanes-status", has_text=re.compile(f"Live, run {whole['id'] + 1}: [1-9]")).wait_for()
    assert_whole(page, print_by_key(page), "a run in this room: 2.events/s")
    classroom.request("POST", "/api/stop")
    page.locator("#lanes-status", has_text="it was stopped").wait_for()
    assert_whole(page, print_by_key(page), "a run in this room: 2.events/s")


def test_by_the_browsers_menu_it_is_there_too(page: Page, classroom: RunningClassroom) -> None:
    """Nothing can be waited for then: what takes time was prepared before."""
    open_page(page, classroom)
    page.locator(".sheet-source").wait_for(state="attached", timeout=PATIENCE_MS)
    assert pages_of(page.pdf(format="A4")) == 2
    page.locator("#handout figcaption", has_text="s of a").wait_for(state="attached")


def test_before_anything_is_known_it_is_two_pages_too(empty_page: Page) -> None:
    shown: dict[str, Any] = {
        "data": None, "lanes": [], "window": None, "recorded": False, "models": None, "questions": [], "steps": None,
        "source": None,
    }  # fmt: skip
    html = module(empty_page, "page/handout/sheets.js", "m.sheetsHtml(given)", shown)
    assert html.count('class="sheet"') == 2
    assert "No run was seen yet" in html


@pytest.mark.parametrize("rate", [0.05, 1, 100])
@pytest.mark.parametrize("interval", [0.1, 10])
def test_the_window_shows_whole_polls_and_few_events(empty_page: Page, rate: float, interval: float) -> None:
    settings = RunSettings(rate_per_s=rate, poll_interval_s=interval).model_dump()
    assert 3 <= module(empty_page, "page/handout/figure.js", "m.windowSeconds(given)", settings) <= 12


def test_the_window_is_where_about_four_events_are(empty_page: Page) -> None:
    due = [0.1, 5.2, 5.9, 6.1, 7.0, 12.0]
    given = {"due": [second * 1e9 for second in due], "length": 4e9}
    start_ns = module(empty_page, "page/handout/figure.js", "m.chooseWindow(given.due, 0, 14e9, given.length)", given)
    assert sum(start_ns <= second * 1e9 < start_ns + 4e9 for second in due) == 4


FACTS = """await (async () => {
  const { RunData, SNAPSHOT_FORMAT } = await import("/static/js/shared/run_data.js");
  const lanes = Object.fromEntries(["websocket", "sse", "long_poll", "short_poll"].map((transport) => [transport, {
    requests: [], deliveries: [], bytes: [], changes: [], ...given[transport] }]));
  const data = RunData.restore({ format: SNAPSHOT_FORMAT, version: 1, ended: true, uncertainty_ms: 0, hidden: [], lanes,
    run: { id: 1, t0_ns: 0, end_ns: 10e9, drain_ns: 2e9, settings: { one_way_delay_ms: 50 } },
    published: [[1, 2e9], [2, 9e9]].map(([seq, due_ns]) => ({ seq, due_ns, published_ns: due_ns, event_bytes: 1 })) });
  const labelled = Object.keys(lanes).map((transport) => ({ transport, label: transport }));
  return m.figureFacts(data, labelled, { startNs: 0, lengthNs: 4e9 });
})()"""


def test_the_figures_facts_are_counted_from_what_it_shows(empty_page: Page) -> None:
    def request(n: int, *times: float, status: int) -> dict[str, Any]:
        names = ("sent_ns", "arrived_ns", "answered_ns", "received_ns")
        return dict(zip(names, times, strict=True)) | {"n": n, "status": status, "seqs": []}

    def delivery(seq: int, due_ns: float, received_ns: float, n: int) -> dict[str, Any]:
        return {"seq": seq, "due_ns": due_ns, "written_ns": due_ns, "received_ns": received_ns, "n": n}

    given = {
        "short_poll": {
            "requests": [
                request(1, 0.9e9, 1e9, 1e9, 1.1e9, status=204),
                request(2, 2.7e9, 2.8e9, 2.8e9, 2.9e9, status=200),
                request(3, 8.9e9, 9e9, 9e9, 9.1e9, status=204),
            ],
            "deliveries": [delivery(1, 2e9, 2.9e9, 2), delivery(2, 9e9, 11.1e9, 4)],
        },
        "long_poll": {
            "requests": [request(1, 0.1e9, 0.2e9, 2e9, 2.1e9, status=200)],
            "deliveries": [delivery(1, 2e9, 2.1e9, 1)],
        },
    }
    assert module(empty_page, "page/handout/figure.js", FACTS, given) == {
        "empty": 1,
        "slowest": {"seq": 1, "label": "short_poll", "latency_ms": pytest.approx(900)},
        "longest_held": {"label": "long_poll", "held_ms": pytest.approx(1800)},
    }


def test_every_part_of_every_question_has_an_answer(empty_page: Page) -> None:
    """From the model, or in words where it has no number."""
    without = module(
        empty_page,
        "page/handout/sheets.js",
        """await (async () => {
          const { QUESTIONS } = await import("/static/js/page/predict/questions.js");
          const asked = QUESTIONS.flatMap((question) => question.parts.map((part) => [question, part]));
          const hasModel = ({ kind }) => ["number", "factor"].includes(kind);
          const isExpected = (question, part) => m.EXPECTED[question.id]?.[part.id] !== undefined;
          return asked.filter(([question, part]) => hasModel(part) === isExpected(question, part));
        })()""",
    )
    assert without == []
