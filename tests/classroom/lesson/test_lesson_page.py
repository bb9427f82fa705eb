"""The lesson in a real browser, against what passed on its sockets as the browser's own protocol log tells it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Request, WebSocket, expect

from classroom.lesson.sample_programs import LANE_PROGRAMS
from tests.classroom.conftest import PATIENCE_S, RunningClassroom
from tests.classroom.page_driving import open_page, wait_for_frames

pytestmark = pytest.mark.takes_s(60)

PATIENCE_MS = PATIENCE_S * 1000
DIRECTIONS = {"": None, "to the server": "up", "to the browser": "down"}


@dataclass
class Overheard:
    """What the browser says passed on the page's sockets, beside what the page made of it."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    """From the server, over /api/lesson."""
    frames: list[tuple[str, str]] = field(default_factory=list)
    """Of the lesson's own sockets: direction and text."""
    _has_feed: bool = False

    def listen(self, socket: WebSocket) -> None:
        """Listen to the lesson's own sockets. Its feed is the page's first; another one is the hand-out's."""
        path = socket.url.split("?")[0]
        if path.endswith("/api/lesson"):
            if not self._has_feed:
                socket.on("framereceived", lambda text: self.rows.append(json.loads(text)))
            self._has_feed = True
        elif "/lesson/" in path and f"session={self.rows[0]['session']}&" in socket.url:
            socket.on("framesent", lambda text: self.frames.append(("up", str(text))))
            socket.on("framereceived", lambda text: self.frames.append(("down", str(text))))

    def notes(self, run: int) -> list[dict[str, Any]]:
        return [row for row in self.rows if row["type"] == "note" and row["run"] == run]

    def bytes(self, run: int, direction: str, kind: str) -> list[int]:
        return [
            row["total_bytes"]
            for row in self.rows
            if row["type"] == "wire" and row["run"] == run and "exchange" not in row
            and (row["direction"], row["kind"]) == (direction, kind)
        ]  # fmt: skip


@pytest.fixture
def overheard(page: Page) -> Iterator[Overheard]:
    """The lesson, open and ready."""
    page.set_default_timeout(PATIENCE_MS)
    heard = Overheard()
    page.on("websocket", heard.listen)
    page.set_viewport_size({"width": 1920, "height": 1080})
    open_lesson(page)
    yield heard


def open_lesson(page: Page) -> None:
    page.goto("/#lesson")
    expect(page.locator('[data-action="play"]')).to_be_enabled()


# What is clicked is drawn with the next frame. Whoever looked before it would see what was there, and whoever clicked
# before it, on what is about to move.


def choose(page: Page, sample: str) -> None:
    button = page.locator(f'[data-sample="{sample}"]')
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")


def begin(page: Page, action: str) -> None:
    """Press a button that opens a connection, until that connection is the one shown."""
    runs = page.locator(".lesson-run option")
    before = runs.count()
    page.click(f'[data-action="{action}"]')
    expect(runs).to_have_count(before + 1)


def play(page: Page, sample: str) -> None:
    choose(page, sample)
    begin(page, "play")
    expect(page.locator('tr[data-kind="closed"]')).to_have_count(1)
    expect(page.locator('tr[data-kind="end"]')).to_have_count(1)
    expect(page.locator('[data-action="play"]')).to_be_enabled()
    wait_for_bytes(page)


def wait_for_bytes(page: Page) -> None:
    """Until the page was told the size of all that passed: it comes on another line than what it is the size of."""
    sent = ", ".join(
        f'tr[data-kind="{kind}"]' for kind in ("connect", "accept", "send", "server_send", "close", "server_close")
    )
    expect(page.locator(f":is({sent}) > .bytes:empty")).to_have_count(0)


def connect(page: Page, sample: str) -> None:
    choose(page, sample)
    begin(page, "connect")
    expect(page.locator('tr[data-kind="open"]')).to_have_count(1)
    expect(page.locator('.lesson [data-action="close"]')).to_be_enabled()


def say(page: Page, text: str) -> None:
    page.fill("#lesson-message", text)
    page.click('[data-action="send"]')


def table(page: Page) -> list[dict[str, Any]]:
    """The execution table as people see it, read in one go: there are hundreds of cells."""
    rows: list[dict[str, Any]] = page.locator(".lesson-table tbody tr").evaluate_all(
        """(rows) => {
          const states = (cell) => Object.fromEntries([...cell.querySelectorAll(".lesson-states")].map(
            (each) => [each.dataset.variable, each.querySelector(".lesson-value").innerText]));
          return rows.map((row) => {
            const cell = (name) => row.querySelector(`td.${name}`);
            return {
              step: Number(cell("step").innerText),
              kind: row.dataset.kind,
              time_ms: cell("time").innerText,
              where: row.querySelector(".lesson-side").innerText,
              action: row.querySelector(".lesson-action").innerText,
              state: cell("plain").innerText,
              before: states(cell("before")),
              after: states(cell("after")),
              message: cell("message").innerText,
              direction: cell("direction").querySelector(".visually-hidden").innerText,
              bytes: cell("bytes").innerText,
            };
          });
        }"""
    )
    return [row | {"time_ms": float(row["time_ms"]), "direction": DIRECTIONS[row["direction"]]} for row in rows]


SHOWN_NOTES = {
    ("start", "upgrade"): "start", ("call", "receive_text"): "wait", ("done", "accept"): "accept",
    ("done", "receive_text"): "receive", ("done", "send_text"): "server_send", ("done", "close"): "server_close",
    ("failed", "receive_text"): "failed", ("failed", "send_text"): "failed", ("wait", "asyncio.sleep(1)"): "sleep",
    ("end", "return"): "end",
}  # fmt: skip


@pytest.mark.parametrize("sample", ["once", "loop"])
def test_the_table_is_the_trace(page: Page, overheard: Overheard, sample: str) -> None:
    play(page, sample)
    check_table(page, overheard)


def check_table(page: Page, overheard: Overheard) -> None:
    """Each row of the first run is a note of the server or passed on the browser's socket; each byte was counted."""
    rows = table(page)
    notes = [note for note in overheard.notes(1) if (note["kind"], note["action"]) in SHOWN_NOTES]
    server = [row for row in rows if row["where"] != "Browser"]
    assert [row["kind"] for row in server] == [SHOWN_NOTES[note["kind"], note["action"]] for note in notes]
    for row, note in zip(server, notes, strict=True):
        assert row["where"] == f"Server, line {note['line']}"
        assert (row["before"], row["after"]) == (note["before"], note["after"])
        if note["kind"] == "done" and note["text"] is not None:
            assert row["message"] == f"“{note['text']}”"
    first_ns = notes[0]["at_ns"] - server[0]["time_ms"] * 1e6
    for row, note in zip(server, notes, strict=True):
        assert abs(row["time_ms"] - (note["at_ns"] - first_ns) / 1e6) <= 0.2  # each shown to a tenth
    for row in rows:
        expected = {"connect": ("up", "http"), "send": ("up", "text"), "close": ("up", "close"),
                    "accept": ("down", "http"), "server_send": ("down", "text")}.get(row["kind"])  # fmt: skip
        if expected:
            nth = [each["kind"] for each in rows[: row["step"] - 1]].count(row["kind"])
            assert row["bytes"] == str(overheard.bytes(1, *expected)[nth])
            assert row["direction"] == expected[0]
    assert [row["step"] for row in rows] == list(range(1, len(rows) + 1))
    texts = [("up", row["message"]) for row in rows if row["kind"] == "send"]
    texts += [("down", row["message"]) for row in rows if row["kind"] == "message"]
    assert sorted(texts) == sorted((direction, f"“{text}”") for direction, text in overheard.frames)


def test_the_single_echo_closes_and_the_browser_says_1006(page: Page, overheard: Overheard) -> None:
    play(page, "once")
    rows = table(page)
    [closed] = [row for row in rows if row["kind"] == "closed"]
    assert closed["message"] == "code 1006, not clean"
    assert closed["after"] == {"ready_state": "CLOSED"}
    [end] = [row for row in rows if row["kind"] == "end"]
    assert end["bytes"] == "0"
    assert end["after"] == {"application_state": "CONNECTED", "client_state": "CONNECTED"}
    assert overheard.bytes(1, "down", "close") == []
    wait_for_boxes(page, ["lit"] * 4 + ["broken"] * 2)


def wait_for_boxes(page: Page, states: list[str]) -> None:
    """Until the boxes of the flow have these states."""
    boxes = page.locator(".lesson-box")
    expect(boxes).to_have_count(len(states))
    for index, state in enumerate(states):
        expect(boxes.nth(index)).to_have_attribute("data-state", state)


@pytest.mark.parametrize("by", ["browser", "server"])
def test_the_loop_is_closed_by_either_side(page: Page, overheard: Overheard, by: str) -> None:
    connect(page, "loop")
    say(page, "Hello")
    expect(page.locator('tr[data-kind="message"]')).to_have_count(1)
    say(page, "Hello again")
    expect(page.locator('tr[data-kind="message"]')).to_have_count(2)
    page.click(f'.lesson [data-action="{"close" if by == "browser" else "bye"}"]')
    expect(page.locator('tr[data-kind="closed"]')).to_contain_text("code 1000, clean")
    expect(page.locator('tr[data-kind="end"]')).to_have_count(1)
    wait_for_bytes(page)
    kinds = [row["kind"] for row in table(page)]
    assert ("close" in kinds, "server_close" in kinds) == (by == "browser", by == "server")
    wait_for_boxes(page, ["lit"] * 6)
    expect(page.locator(".lesson-box").last).to_contain_text(f"Closed by {by}: 1000")
    expect(page.locator(".lesson-sentences li").nth(3)).to_contain_text(f"until the {by} closed it with code 1000")
    assert len(overheard.bytes(1, "up", "http")) == 1


def test_no_button_can_be_pressed_before_it_does_something(page: Page) -> None:
    """However long the page's first frame takes: a version can be chosen, and the rest waits for the server."""
    page.add_init_script(
        """
        const draw = window.requestAnimationFrame.bind(window);
        const held = [];
        window.requestAnimationFrame = (frame) => held.push(frame);
        window.drawFrames = () => {
          window.requestAnimationFrame = draw;
          held.forEach(draw);
        };
        """
    )
    page.goto("/#lesson")
    page.locator('#connection-status[data-state="live"]').wait_for(timeout=PATIENCE_MS)
    assert page.locator("#view-lesson button:enabled").all_inner_texts() == ["Single echo", "Loop", "Push"]
    page.evaluate("() => window.drawFrames()")
    expect(page.locator('[data-action="play"]')).to_be_enabled()
    expect(page.locator(".lesson-quiz-about")).to_have_text("It asks about a run of yours: play the lesson first.")


@pytest.mark.usefixtures("overheard")
@pytest.mark.parametrize("action", ["play", "connect"])
def test_a_double_click_opens_one_connection(page: Page, action: str) -> None:
    page.locator(f'[data-action="{action}"]').evaluate("(button) => { button.click(); button.click(); }")
    expect(page.locator('tr[data-kind="open"]')).to_have_count(1)
    expect(page.locator(".lesson-run option")).to_have_count(1)


@pytest.mark.usefixtures("overheard")
def test_stepping_moves_line_variables_and_flow_together(page: Page) -> None:
    play(page, "loop")
    rows = table(page)
    page.locator(".lesson-table tbody tr").first.click()
    for position, row in enumerate(rows):
        expect(page.locator(".lesson-at")).to_have_text(f"Step {row['step']} of {len(rows)}")
        current = page.locator(".lesson-table tr[aria-current]")
        expect(current.locator("td").first).to_have_text(str(row["step"]))
        expect(current).to_be_in_viewport()
        server = [each["where"] for each in rows[: position + 1] if each["where"] != "Browser"]
        line = page.locator(".code-line[aria-current]")
        if server:
            expect(line).to_have_attribute("data-line", server[-1].removeprefix("Server, line "))
        else:
            expect(line).to_have_count(0)
        for name, state in {"connection": row["state"], **row["after"]}.items():
            label = "readyState" if name == "ready_state" else name
            expect(page.locator(f'.lesson-tracker [data-variable="{label}"] [data-now]')).to_have_text(state)
        lit = page.locator('.lesson-box[data-state="lit"]')
        expect(lit).to_have_count(lit_boxes([each["kind"] for each in rows[: position + 1]]))
        page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".lesson-at")).to_have_text(f"Step {len(rows) - 1} of {len(rows)}")


def lit_boxes(kinds: list[str]) -> int:
    reached = ["connect" in kinds, "accept" in kinds, "open" in kinds, {"send", "server_send"} <= set(kinds),
               kinds.count("message") > 1, "close" in kinds]  # fmt: skip
    return sum(reached)


TRUTHS = {"once": "ends", "loop": "stays"}


@pytest.mark.usefixtures("overheard")
@pytest.mark.parametrize("sample", TRUTHS)
def test_the_quiz_is_judged_from_the_run(page: Page, sample: str) -> None:
    expect(page.locator(".lesson-questions fieldset")).to_have_count(0)
    play(page, sample)
    rows = table(page)
    first = {row["kind"]: row for row in reversed(rows)}
    check_quiz(
        page,
        {
            "state": (first["accept"]["state"], {first["accept"]["step"]}),
            "answer": (str(first["server_send"]["step"]), {first["server_send"]["step"]}),
            "never": (
                TRUTHS[sample],
                {row["step"] for row in rows if row["kind"] == ("end" if sample == "once" else "wait")},
            ),
        },
    )


def check_quiz(page: Page, truths: dict[str, tuple[str, set[int]]]) -> None:
    """Answer each question in all ways, and then the next; `truths` are the right value and the steps that prove it."""
    right_at_once = 0
    for number, (name, (truth, proofs)) in enumerate(truths.items(), start=1):
        expect(page.locator(".lesson-question-at")).to_have_text(f"{number} of {len(truths)}")
        expect(page.locator(".lesson-questions fieldset:visible")).to_have_count(1)
        question = page.locator(f'[data-question="{name}"]')
        values = [str(radio.get_attribute("value")) for radio in question.locator("input").all()]
        assert truth in values
        assert len(values) >= 3
        right_at_once += values[0] == truth
        for value in values:
            question.locator(f'input[value="{value}"]').check()
            expect(question.locator(".lesson-feedback b")).to_have_text("Right." if value == truth else "Not so.")
            marked = page.locator(".lesson-table tr[data-marked]")
            expect(marked).to_have_count(1)
            expect(marked.locator("td").first).to_have_text(re.compile(rf"^({'|'.join(map(str, sorted(proofs)))})$"))
        expect(page.locator(".lesson-score")).to_have_text(f"{right_at_once} of {number} right")
        question.locator(".lesson-feedback button").click()
        expect(page.locator(".lesson-table tr[aria-current]")).to_be_in_viewport()
        if number < len(truths):
            page.click('[data-action="quiz-forward"]')
    expect(page.locator('[data-action="quiz-forward"]')).to_be_disabled()


@pytest.mark.usefixtures("overheard")
def test_a_hint_is_given_on_request_and_counted(page: Page) -> None:
    play(page, "once")
    hint = page.locator('[data-question="state"] .lesson-hint')
    expect(hint).to_be_hidden()
    page.click('[data-action="hint"]')
    expect(hint).to_contain_text("look at the state before and after it")
    expect(page.locator(".lesson-score")).to_have_text("0 of 0 right, 1 hint")
    page.locator('[data-question="state"] input[value="open"]').check()
    expect(page.locator(".lesson-score")).to_have_text("1 of 1 right, 1 hint")
    page.click('[data-action="quiz-forward"]')
    page.locator('[data-question="answer"] input').first.check()
    page.click('[data-action="hint"]')  # too late to help
    expect(page.locator(".lesson-score")).to_have_text("1 of 2 right, 1 hint")


def test_a_server_that_speaks_first(page: Page, overheard: Overheard) -> None:
    """Its messages against one request, and the same by polling, as the browser's own log counts the polls."""
    polls: list[Request] = []
    page.on("request", lambda request: polls.append(request) if "/lesson/sent?" in request.url else None)
    play(page, "push")
    check_table(page, overheard)
    rows = table(page)
    messages = [row for row in rows if row["kind"] == "message"]
    assert [row["message"] for row in messages] == [f"“News {number + 1}”" for number in range(len(messages))]
    assert len(messages) >= 5
    assert not {"send", "receive", "wait"} & {row["kind"] for row in rows}
    assert len(overheard.bytes(1, "up", "http")) == 1
    check_pushed_history(page, rows)
    sleeps = [row for row in rows if row["kind"] == "sleep"]
    [line] = {row["where"] for row in sleeps}
    assert line == f"Server, line {next(note['line'] for note in overheard.notes(1) if note['kind'] == 'wait')}"
    wait_for_boxes(page, ["lit"] * 6)
    boxes = page.locator(".lesson-box")
    expect(boxes.nth(4)).to_contain_text(f"{len(messages)} messages, 1 request")
    learned = [len(answer.json()) for poll in polls if (answer := poll.response()) is not None]
    requests = max(number for number, news in enumerate(learned, start=1) if news)
    assert requests > 1  # about one for each message; a busy machine's polls learn several at once
    told = "the same" if sum(learned) == len(messages) else f"{sum(learned)} of them"
    expect(boxes.nth(4)).to_contain_text(f"Poll: {requests} requests to learn {told}")
    sentence = page.locator(".lesson-sentences li").nth(2)
    expect(sentence).to_contain_text(f"{told} took {requests} requests")
    exchanged = [
        row["total_bytes"]
        for row in overheard.rows
        if row["type"] == "wire" and row["kind"] == "http" and row.get("exchange", requests + 1) <= requests
    ]
    expect(sentence).to_contain_text(f" and {sum(exchanged)} bytes")
    first = {row["kind"]: row for row in reversed(rows)}
    second = [row["step"] for row in rows if row["kind"] == "server_send"][1]
    check_quiz(
        page,
        {
            "state": ("open", {first["accept"]["step"]}),
            "request": ("none", {second}),
            "never": ("stays", {row["step"] for row in sleeps}),
        },
    )
    check_one_sight(page)
    page.check('[data-switch="technical"]')
    check_one_sight(page)
    heights = "(states) => states.map((state) => state.clientHeight / parseFloat(getComputedStyle(state).lineHeight))"
    technical = page.locator(".lesson-tracker .lesson-technical td:visible")
    assert max(technical.evaluate_all(heights)) < 2  # each in one line
    page.uncheck('[data-switch="technical"]')
    check_one_sight_with_cards(page)


def history_of(page: Page, variable: str) -> list[str]:
    """What the tracker shows of a variable, column by column."""
    cells: list[str] = page.locator(f'.lesson-tracker [data-variable="{variable}"] td').all_inner_texts()
    return cells


@pytest.mark.usefixtures("overheard")
def test_variables_have_a_history(page: Page) -> None:
    """One column for each moment of the handler up to the step: what they were from then until the next."""
    play(page, "loop")
    rows = table(page)
    heads = page.locator(".lesson-tracker thead th")
    expect(heads).to_have_text(["start", "after accept", "after receive 2", "after send 2", "end"])
    assert history_of(page, "connection") == ["asked", "open", "open", "open", "closed"]
    assert history_of(page, "server received") == ["–", "–", "Hello again", "Hello again", "Hello again"]
    answers = ["Received: Hello", "Received: Hello again"]
    assert history_of(page, "server sent") == ["–", "–", answers[0], answers[1], answers[1]]
    assert history_of(page, "application_state") == ["CONNECTING"] + ["CONNECTED"] * 4
    first_receive = next(row["step"] for row in rows if row["kind"] == "receive")
    page.locator(".lesson-table tbody tr").nth(first_receive - 1).click()
    expect(heads).to_have_text(["start", "after accept", "after receive"])
    assert history_of(page, "server received") == ["–", "–", "Hello"]
    changed = page.locator(".lesson-tracker td[data-changed]")
    expect(changed).to_have_text(["Hello"])


def check_pushed_history(page: Page, rows: list[dict[str, Any]]) -> None:
    """The connection of a server that speaks first was open after each send, and nothing was received."""
    sent = [row["message"].strip("“”") for row in rows if row["kind"] == "server_send" and row["state"] == "open"]
    titles = ["after send", *(f"after send {number}" for number in range(2, len(sent) + 1))][-4:]
    expect(page.locator(".lesson-tracker thead th")).to_have_text(["start", "after accept", *titles, "end"])
    assert history_of(page, "connection") == ["asked", *["open"] * 5, "closed"]
    assert history_of(page, "server received") == ["–"] * 7
    assert history_of(page, "server sent")[:6] == ["–", "–", *sent[-4:]]


@pytest.mark.usefixtures("overheard")
def test_plain_states_first_and_the_technical_ones_on_request(page: Page) -> None:
    play(page, "once")
    states = [row["state"] for row in table(page)]
    assert sorted(set(states), key=states.index) == ["asked", "open", "closing", "closed"]
    technical = page.locator(".lesson-technical")
    expect(technical.filter(visible=True)).to_have_count(0)
    expect(page.locator("th.lesson-plain")).to_be_visible()
    page.check('[data-switch="technical"]')
    expect(technical.filter(visible=False)).to_have_count(0)
    expect(page.locator("th.lesson-plain")).to_be_hidden()


@pytest.mark.usefixtures("overheard")
@pytest.mark.parametrize("sample", ["once", "loop"])
def test_the_lesson_is_in_one_sight(page: Page, sample: str) -> None:
    play(page, sample)
    check_one_sight(page)
    expect(page.locator("#view-lesson h2")).to_have_text("Why WebSockets make real time possible")
    expect(page.locator(".code-handler .code-text").first).to_have_text('@app.websocket("/ws")')
    expect(page.locator(".code-before .code-line").first).to_be_hidden()
    page.click(".code-before summary")
    expect(page.locator(".code-before .code-line", has_text="from fastapi import")).to_be_visible()
    page.click(".code-before summary")
    check_one_sight_with_cards(page)


def check_one_sight_with_cards(page: Page) -> None:
    """On each card of a lesson plan in this view, with its answer shown, too."""
    page.click("#teacher-button")
    page.get_by_role("button", name="40 minutes", exact=True).click()
    cards = page.locator("#route")
    while page.locator("#view-lesson").is_hidden():
        before = cards.get_attribute("data-card")
        page.keyboard.press("PageDown")
        expect(cards).not_to_have_attribute("data-card", str(before))
    for _ in range(3):
        expect(page.locator("#view-lesson")).to_be_visible()
        page.keyboard.press("s")
        expect(page.locator("#route-answer")).to_be_in_viewport(ratio=1)
        check_one_sight(page)
        expect(page.locator(".lesson-table tr[aria-current]")).to_be_in_viewport(ratio=0.9)
        page.keyboard.press("PageDown")
    expect(page.locator("#view-watch")).to_be_visible()


def check_one_sight(page: Page) -> None:
    """On a projector of 1280 × 720: title, flow, the whole handler, variables beside it, table, quiz beside that."""
    page.set_viewport_size({"width": 1280, "height": 720})
    page.wait_for_function("innerWidth === 1280")
    page.evaluate("scrollTo(0, 0)")
    wait_for_frames(page)
    boxes = page.evaluate(
        """(names) => names.map((name) => {
          const place = document.querySelector(`.${name}`);
          const { left, right, top, bottom } = place.getBoundingClientRect();
          const cut = [place, ...place.querySelectorAll("*")].some((one) => one.scrollWidth > one.clientWidth + 1
            && getComputedStyle(one).display !== "inline" && !one.closest(".visually-hidden"));
          return { name, left, right, top, bottom, cut };
        })""",
        ["lesson-head", "lesson-flow", "lesson-program", "lesson-variables", "lesson-execution", "lesson-quiz"],
    )
    assert [box["name"] for box in boxes if box["cut"] or box["bottom"] > 720 or box["right"] > 1280] == []
    head, flow, program, variables, execution, quiz = boxes
    assert head["bottom"] <= flow["top"]
    assert flow["bottom"] <= program["top"] == variables["top"]
    assert program["right"] <= variables["left"]
    assert program["bottom"] <= execution["top"] == quiz["top"]
    assert execution["right"] <= quiz["left"]


@pytest.mark.parametrize(("guess", "told"), [("returns", "Right."), ("remains", "Not so."), ("accept", "Not so.")])
def test_spot_the_bug_is_decided_by_a_run(page: Page, overheard: Overheard, guess: str, told: str) -> None:
    bug = page.locator(".lesson-bug")
    expect(bug.locator('[data-action="bug"]')).to_be_disabled()
    bug.locator(f'input[value="{guess}"]').check()
    bug.locator('[data-action="bug"]').click()
    expect(bug.locator(".lesson-feedback b")).to_have_text(told)
    [end] = [note for note in overheard.notes(1) if note["kind"] == "end"]
    expect(bug.locator(".lesson-feedback")).to_contain_text(f"returned on line {end['line']}")
    expect(bug.locator(".lesson-facts")).to_contain_text("code 1006, wasClean false")
    expect(bug.locator(".lesson-facts")).to_contain_text("1 text frame; 0 close frames")


def test_the_key_moments_are_run(page: Page, overheard: Overheard) -> None:
    for name in ("stays", "when", "second"):
        page.click(f'[data-moment="{name}"] button')
        expect(page.locator(f'[data-moment="{name}"] .lesson-findings li')).to_have_count(3)
    found = {name: page.inner_text(f'[data-moment="{name}"]') for name in ("stays", "when", "second")}
    assert "the browser reports CLOSED, code 1006" in found["stays"]
    assert "it is still OPEN" in found["stays"]
    runs = sorted({note["run"] for note in overheard.rows if note["type"] == "note"})
    assert runs == [1, 2, 3, 4]
    send = next(note for note in overheard.notes(3) if (note["kind"], note["action"]) == ("done", "send_text"))
    assert f"line {send['line']} had sent the answer" in found["when"]
    [*_, up], [*_, down] = overheard.bytes(4, "up", "text"), overheard.bytes(4, "down", "text")
    assert f"took {up + down} bytes: {up} up, {down} down" in found["second"]
    exchanges = [row for row in overheard.rows if row["type"] == "wire" and row.get("exchange") == 2]
    assert f"took {sum(row['total_bytes'] for row in exchanges)} bytes" in found["second"]


def test_findings_wait_for_what_the_server_notes(page: Page) -> None:
    """It comes on another line than the connections' own messages, here later; and later still what passed the wire."""
    page.add_init_script(
        """
        window.WebSocket = class extends WebSocket {
          set onmessage(take) {
            const lateBy_ms = { note: 500, wire: 1000 };
            const takeLate = (event) => setTimeout(() => take(event), lateBy_ms[JSON.parse(event.data).type] ?? 0);
            super.onmessage = this.url.endsWith("/api/lesson") ? takeLate : take;
          }
        };
        """
    )
    open_lesson(page)
    bug = page.locator(".lesson-bug")
    bug.locator('input[value="returns"]').check()
    bug.locator('[data-action="bug"]').click()
    expect(bug.locator(".lesson-facts")).to_contain_text("1 text frame; 0 close frames")
    findings = {"stays": "code 1006", "when": "had sent the answer", "second": r"took \d+ bytes: \d+ up, \d+ down"}
    for name, found in findings.items():
        page.click(f'[data-moment="{name}"] button')
        expect(page.locator(f'[data-moment="{name}"] .lesson-findings')).to_contain_text(re.compile(found))


def test_snapshot_and_transcript_tell_the_run(page: Page, overheard: Overheard) -> None:
    play(page, "loop")
    rows = table(page)
    first = {row["kind"]: row for row in reversed(rows)}
    # The requests' own bytes come on another line than their answers.
    expect(page.locator(".lesson-sentences li").nth(2)).to_contain_text("2 requests and")
    sentences = page.locator(".lesson-sentences li").all_inner_texts()
    assert len(sentences) == 5
    assert f"({first['connect']['bytes']} bytes)" in sentences[0]
    assert f"({first['accept']['bytes']} bytes)" in sentences[0]
    assert "The decorator on line" in sentences[1]
    assert "has FastAPI call echo() for each connection, and async lets it wait" in sentences[1]
    assert "when “Hello” came" in sentences[1]
    assert sentences[4].startswith("WebSockets are used where")
    [sent, message] = [first[kind]["time_ms"] for kind in ("server_send", "message")]
    told_ms = re.search(r"with the browser ([\d.]+) ms after", sentences[4])
    assert told_ms is not None
    assert abs(float(told_ms[1]) - (message - sent)) <= (0.2 if message - sent < 99 else 0.7)  # then in whole ms
    frames = sum(int(row["bytes"]) for row in rows if row["kind"] in ("send", "server_send"))
    assert f"took {frames} bytes and no further request" in sentences[2]
    exchanged = [row for row in overheard.rows if row["type"] == "wire" and "exchange" in row and row["kind"] == "http"]
    assert f"2 requests and {sum(row['total_bytes'] for row in exchanged)} bytes" in sentences[2]
    expect(page.locator(".lesson-told p")).to_contain_text("one sentence for each step")
    lines = page.locator(".lesson-transcript li").all_inner_texts()
    assert len(lines) == len(rows)
    for line, row in zip(lines, rows, strict=True):
        assert line.startswith(f"Step {row['step']}, after ")
        assert row["action"] in line
        assert row["message"] in line


@pytest.mark.usefixtures("overheard")
def test_a_refusal_is_shown_and_the_page_goes_on(page: Page) -> None:
    connect(page, "loop")
    page.evaluate("document.querySelector('#lesson-message').removeAttribute('maxlength')")
    page.evaluate("document.querySelector('#lesson-message').value = 'x'.repeat(5000)")
    page.click('[data-action="send"]')
    expect(page.locator(".lesson-refusal")).to_contain_text("message too long: expected at most")
    expect(page.locator('tr[data-kind="closed"]')).to_contain_text("code 1009, clean")
    expect(page.locator('tr[data-kind="failed"]')).to_contain_text("refused, close frame 1009")
    play(page, "loop")
    expect(page.locator(".lesson-refusal")).to_be_hidden()
    expect(page.locator('tr[data-kind="closed"]')).to_contain_text("code 1000, clean")


@pytest.mark.usefixtures("overheard")
def test_clocks_that_disagree_never_put_an_answer_before_its_question(page: Page) -> None:
    found = page.evaluate(
        """async () => {
          const { buildRows } = await import("/static/js/lesson/rows.js");
          const at = (at_ns, rest) => ({ at_ns, before: {}, after: {}, text: null, code: null, ...rest });
          const kinds = (skew_ns) => buildRows({
            units: { up: [], down: [] },
            browser: [at(0, { kind: "connect" }), at(30, { kind: "open" }), at(40, { kind: "send", text: "a" }),
              at(70, { kind: "message", text: "b" }), at(80, { kind: "close", code: 1000 }),
              at(110, { kind: "closed", code: 1000 })].map((note) => ({ ...note, at_ns: note.at_ns + skew_ns })),
            server: [at(10, { kind: "start", action: "upgrade" }), at(20, { kind: "done", action: "accept" }),
              at(50, { kind: "done", action: "receive_text", text: "a" }),
              at(60, { kind: "done", action: "send_text", text: "b" }),
              at(90, { kind: "failed", action: "receive_text", code: 1000 }),
              at(100, { kind: "end", action: "return" })],
          }).map((row) => row.kind);
          return [0, -1000, 1000, 15, -15].map(kinds);
        }"""
    )
    for kinds in found:
        for cause, effect in [("connect", "start"), ("accept", "open"), ("send", "receive"), ("server_send", "message"),
                              ("close", "failed")]:  # fmt: skip
            assert kinds.index(cause) < kinds.index(effect), kinds
        assert len(kinds) == 12
    assert found[0] == ["connect", "start", "accept", "open", "send", "receive", "server_send", "message", "close",
                        "failed", "end", "closed"]  # fmt: skip


@pytest.mark.usefixtures("overheard")
def test_people_with_assistive_technology_can_use_it(page: Page) -> None:
    assert grave(page) == []
    play(page, "once")
    page.locator('[data-question="state"] input').first.check()
    page.click('[data-action="quiz-forward"]')
    page.locator('[data-question="answer"] input').nth(2).check()
    page.check('[data-switch="technical"]')
    page.click('[data-moment="when"] button')
    expect(page.locator('[data-moment="when"] .lesson-findings li')).to_have_count(3)
    assert grave(page) == []


def grave(page: Page) -> list[str]:
    """Accessibility violations that axe calls serious or worse, of the light page and of the dark one."""
    found = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        violations = Axe().run(page, context="#view-lesson").response["violations"]
        found += [
            f"{scheme}, {each['id']}: {each['nodes'][0]['html']}"
            for each in violations
            if each["impact"] in ("serious", "critical")
        ]
    return found


@pytest.mark.usefixtures("overheard")
def test_nothing_is_wider_than_the_window(page: Page) -> None:
    play(page, "loop")
    for width, height in [(1920, 1080), (1280, 720), (390, 844)]:
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_function("(width) => innerWidth === width", arg=width)
        for technical in (False, True):
            page.set_checked('[data-switch="technical"]', technical)
            wait_for_frames(page)
            check_widths(page)


def check_widths(page: Page) -> None:
    too_wide = page.evaluate(
        """() => [...document.querySelectorAll("#view-lesson *")]
          .filter((one) => !one.closest(".lesson-code, .lesson-table thead"))
          .filter((one) => one.getBoundingClientRect().right > innerWidth + 1)
          .map((one) => one.outerHTML.slice(0, 200))"""
    )
    assert too_wide == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    table_fits = (
        "(() => { const box = document.querySelector('.lesson-scroll'); return box.scrollWidth <= box.clientWidth; })()"
    )
    assert page.evaluate(table_fits), page.viewport_size


def test_the_program_of_each_lane_is_shown_and_run(page: Page, classroom: RunningClassroom) -> None:
    """All four at once, each against the requests that the browser made for it."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("websocket", lambda socket: asked.append(socket.url))
    open_page(page, classroom)
    panel = page.locator("#program")
    expect(panel).to_be_hidden()
    for transport, program in LANE_PROGRAMS.items():
        page.click(f'.lane[data-transport="{transport}"] .lane-code')
        described = program.described()
        expect(panel.locator(".code-file")).to_have_text(described["path"])
        page.click("#program .code-before summary")
        lines = panel.locator(".code-text").all_inner_texts()
        assert "\n".join(line.rstrip("\n") for line in lines) == described["source"].rstrip()
        page.click("#program-run")
        expect(page.locator("#program-run")).to_be_disabled()
    for transport, program in LANE_PROGRAMS.items():
        page.click(f'.lane[data-transport="{transport}"] .lane-code')
        result = page.locator("#program-result")
        expect(result).to_have_text(re.compile(r"^[5-9] items of news with \d+ requests?(, \d+ of them in vain)?\.$"))
        own = [url for url in asked if f"/lesson/{program.name}?" in url]
        requests = len([url for url in own if "after=" in url or transport == "websocket"])
        assert f"with {requests} request{'' if requests == 1 else 's'}" in result.inner_text()
        assert (
            requests == 1 if transport in ("websocket", "sse") else requests > 1
        )  # each of 5 items, or several at once
    page.click("#program-close")
    expect(panel).to_be_hidden()
