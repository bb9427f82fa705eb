"""Predict, then reveal: what is asked, what unlocks a run, and that the run alone says what is right."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Route, expect

from classroom.run_settings import RunSettings
from tests.classroom.conftest import RunningClassroom
from tests.classroom.page_driving import PATIENCE_MS, PICTURE, TRANSPORTS, module, open_page

pytestmark = pytest.mark.takes_s(100, waits=True)

QUESTIONS = ("requests_per_event", "halve_the_interval", "long_poll_or_websocket", "cheapest_when_idle", "hide_the_tab")
SHORT_S = {"requests_per_event": 10, "hide_the_tab": 9}
"""Runs of these questions need some length to say anything; the others are cut to 4 s here."""
HIDDEN_S = 3.5
"""Longer than what the page takes for too short to say anything (HIDDEN_LONG_ENOUGH_S of predict/hiding.js)."""


def shorten_runs(page: Page, duration_s: float) -> None:
    """The questions' own runs, only shorter: a lesson has more time than a test."""

    def shorten(route: Route) -> None:
        asked = json.loads(route.request.post_data or "{}")
        route.continue_(post_data=json.dumps(asked | {"duration_s": duration_s}))

    page.route("**/api/run", shorten)


def go_to(page: Page, question: str) -> None:
    page.locator("#tab-predict").click()
    page.locator(f'[data-step="{QUESTIONS.index(question)}"]').click()
    page.locator(f'.predict-question[data-question="{question}"][data-phase="asked"]').wait_for()


def run_button(page: Page) -> Any:
    return page.locator('[data-action="run"]')


def wait_for_result(page: Page) -> str:
    """What the page makes of the prediction."""
    verdict = page.locator(".predict-verdict")
    verdict.wait_for(timeout=4 * PATIENCE_MS)
    outcome = verdict.get_attribute("data-outcome")
    assert outcome is not None
    return outcome


def said(page: Page, part: int = 0) -> dict[str, str]:
    """You said, the run says, the model says."""
    rows = page.locator(".predict-part").nth(part).locator(".predict-said > div")
    texts = [row.inner_text().split("\n") for row in rows.all()]
    return {text[0]: text[-1] for text in texts}


def set_hidden(page: Page, hidden: bool) -> None:
    """As the page is told when its tab is hidden; Playwright's own tabs never are."""
    page.evaluate(
        """(hidden) => {
          Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
          const state = hidden ? "hidden" : "visible";
          Object.defineProperty(document, "visibilityState", { configurable: true, get: () => state });
          document.dispatchEvent(new Event("visibilitychange"));
        }""",
        hidden,
    )


def test_every_run_of_the_questions_is_one_the_server_takes(empty_page: Page) -> None:
    questions = module(empty_page, "page/predict/questions.js", "m.QUESTIONS")
    assert tuple(question["id"] for question in questions) == QUESTIONS
    for question in questions:
        for run in question["runs"]:
            RunSettings(**run["settings"])
        runs = {run["id"] for run in question["runs"]}
        places = [place for part in question["parts"] for place in part["of"]]
        assert all(run in runs and transport in TRANSPORTS for run, transport in places)


def score(page: Page, part: dict[str, Any], answer: object, evidence: object, models: object = None) -> dict[str, Any]:
    expression = (
        "m.scorePart(given.part, given.answer, given.evidence, given.models, {label: (t) => t, runLabel: (r) => r})"
    )
    given = {"part": part, "answer": answer, "evidence": evidence, "models": models or {}}
    scored: dict[str, Any] = module(page, "page/predict/scoring.js", expression, given)
    return scored


NUMBER = {
    "id": "n", "kind": "number", "field": "requests_per_event", "of": [["run", "short_poll"]], "votes": [0.2, 1, 5, 20],
}  # fmt: skip
FACTOR = {
    "id": "f", "kind": "factor", "field": "mean_ms", "of": [["a", "short_poll"], ["b", "short_poll"]],
    "choices": [
        {"value": "half", "factor": 0.5, "text": "half"},
        {"value": "same", "factor": 1, "text": "same"},
        {"value": "twice", "factor": 2, "text": "twice"},
    ],
}  # fmt: skip
LEAST = {"id": "l", "kind": "least", "field": "bytes", "of": [["run", name] for name in TRANSPORTS]}


def lanes(field: str, *values: float | None) -> dict[str, Any]:
    return {"lanes": {name: {field: value} for name, value in zip(TRANSPORTS, values, strict=True)}}


@pytest.mark.parametrize(
    ("part", "answer", "evidence", "outcome"),
    [
        (NUMBER, "5", {"run": lanes("requests_per_event", 0, 0, 1, 5.2)}, "right"),
        (NUMBER, "9", {"run": lanes("requests_per_event", 0, 0, 1, 5.2)}, "close"),
        (NUMBER, "1", {"run": lanes("requests_per_event", 0, 0, 1, 5.2)}, "off"),
        (NUMBER, "1", {"run": lanes("requests_per_event", 0, 0, 1, 0.9)}, "right"),  # the run decides, not a key
        (NUMBER, "0", {"run": lanes("requests_per_event", 0, 0, 1, 0)}, "right"),
        (NUMBER, None, {"run": lanes("requests_per_event", 0, 0, 1, 5.2)}, "skipped"),
        (NUMBER, "5", {"run": lanes("requests_per_event", 0, 0, 1, None)}, "unmeasured"),
        (FACTOR, "half", {"a": lanes("mean_ms", 50, 50, 50, 550), "b": lanes("mean_ms", 50, 50, 50, 300)}, "right"),
        (FACTOR, "same", {"a": lanes("mean_ms", 50, 50, 50, 550), "b": lanes("mean_ms", 50, 50, 50, 300)}, "off"),
        (FACTOR, "same", {"a": lanes("mean_ms", 50, 50, 50, 550), "b": lanes("mean_ms", 50, 50, 50, 540)}, "right"),
        (FACTOR, "twice", {"a": lanes("mean_ms", 50, 50, 50, 300), "b": lanes("mean_ms", 50, 50, 50, 550)}, "right"),
        (FACTOR, "half", {"a": lanes("mean_ms", 50, 50, 50, 550), "b": lanes("mean_ms", 5, 5, 5, None)}, "unmeasured"),
        (LEAST, "sse", {"run": lanes("bytes", 700, 750, 3000, 20_000)}, "right"),  # as good as the least
        (LEAST, "long_poll", {"run": lanes("bytes", 700, 750, 3000, 20_000)}, "off"),
        (LEAST, "long_poll", {"run": lanes("bytes", 3000, 4000, 700, 20_000)}, "right"),
        (LEAST, "sse", {"run": lanes("bytes", 700, None, 3000, 20_000)}, "unmeasured"),
    ],
)
def test_the_runs_say_what_is_right(
    empty_page: Page, part: dict[str, Any], answer: str | None, evidence: object, outcome: str
) -> None:
    assert score(empty_page, part, answer, evidence)["outcome"] == outcome


@pytest.mark.parametrize(
    ("part", "evidence", "right"),
    [
        (NUMBER, {"run": lanes("requests_per_event", 0, 0, 1, 3.9)}, ["5"]),
        (NUMBER, {"run": lanes("requests_per_event", 0, 0, 1, None)}, []),
        (NUMBER, {"run": lanes("requests_per_event", 0, 0, 1, 0)}, []),
        (FACTOR, {"a": lanes("mean_ms", 50, 50, 50, 550), "b": lanes("mean_ms", 50, 50, 50, 300)}, ["half"]),
        (FACTOR, {"a": lanes("mean_ms", 50, 50, 50, 550), "b": lanes("mean_ms", 5, 5, 5, None)}, []),
        (LEAST, {"run": lanes("bytes", 700, 750, 3000, 20_000)}, ["websocket", "sse"]),
        (LEAST, {"run": lanes("bytes", 700, None, 3000, 20_000)}, []),
    ],
)
def test_the_choices_that_are_right_are_named(
    empty_page: Page, part: dict[str, Any], evidence: object, right: list[str]
) -> None:
    assert score(empty_page, part, None, evidence)["right"] == right


@pytest.mark.parametrize(
    ("part", "said", "outcomes"),
    [
        (NUMBER, "within a factor of 1.25", {"1.25": "right", "1.26": "close", "2": "close", "2.01": "off"}),
        (LEAST, "with at most 25 % more", {"sse": "right", "long_poll": "off"}),
    ],
)
def test_what_is_said_to_count_as_right_does(
    empty_page: Page, part: dict[str, Any], said: str, outcomes: dict[str, str]
) -> None:
    assert said in module(empty_page, "page/predict/scoring.js", "m.ruleOf(given)", part)
    evidence = {"run": lanes("bytes", 1000, 1250, 1251, 9000)}
    if part is NUMBER:
        evidence = {"run": lanes("requests_per_event", 0, 0, 0, 1)}
    assert {answer: score(empty_page, part, answer, evidence)["outcome"] for answer in outcomes} == outcomes


def test_each_lane_that_counts_as_the_least_is_named_with_its_own_figure(empty_page: Page) -> None:
    scored = score(empty_page, LEAST, None, {"run": lanes("bytes", 1000, 1200, 3000, 9000)})
    assert scored["measured"] == "websocket (1,000\xa0B) and sse (1,200\xa0B)"


@pytest.mark.parametrize(
    ("who", "predicted", "said"),
    [
        ("you", "half", ["You said", "half"]),
        ("you", None, []),
        ("class", None, ["The class said", "no choice more often than all others"]),
    ],
)
def test_where_nobody_predicted_nothing_is_said_of_it(
    empty_page: Page, who: str, predicted: str | None, said: list[str]
) -> None:
    given = {
        "part": FACTOR | {"ask": "Age"},
        "score": {"outcome": "skipped", "predicted": predicted, "measured": "half"},
    }
    expression = """(() => {
      const box = document.createElement("div");
      box.innerHTML = m.partResultHtml(given.part, { ...given.score, model: null }, given.who);
      return [...box.querySelectorAll("dt, dd")].map((one) => one.textContent);
    })()"""
    told = module(empty_page, "page/predict/views.js", expression, given | {"who": who})
    assert told == [*said, "The run says", "half"]


@pytest.mark.parametrize(("answer", "outcome"), [("5", "right"), ("1", "off"), (None, "skipped")])
def test_a_class_that_chose_among_numbers_is_right_with_the_nearest(
    empty_page: Page, answer: str | None, outcome: str
) -> None:
    names = "{label: (t) => t, runLabel: (r) => r, who: 'class'}"
    expression = f"m.scorePart(given.part, given.answer, given.evidence, {{}}, {names})"
    given = {"part": NUMBER, "answer": answer, "evidence": {"run": lanes("requests_per_event", 0, 0, 1, 3)}}
    scored = module(empty_page, "page/predict/scoring.js", expression, given)
    assert scored["outcome"] == outcome
    assert [bar["label"] for bar in scored["bars"]] == [*(["The class"] if answer else []), "This run"]


@pytest.mark.parametrize(
    ("counts", "choice"),
    [({"a": 1, "b": 3}, "b"), ({"a": 2, "b": 2}, None), ({"a": 0, "b": 0}, None), ({"a": 2, "b": 2, "c": 3}, "c")],
)
def test_the_class_predicts_what_most_devices_chose(
    empty_page: Page, counts: dict[str, int], choice: str | None
) -> None:
    assert module(empty_page, "page/predict/progress.js", "m.majority(given)", counts) == choice


def test_ones_own_answer_goes_before_that_of_the_class(empty_page: Page) -> None:
    who = module(
        empty_page,
        "page/predict/progress.js",
        """(() => {
          const part = { id: "requests" };
          const vote = { id: "v", counts: { requests: { 1: 0, 5: 2 } } };
          const states = [m.ASKED, m.voted(m.ASKED, vote), m.voted(m.answered(m.ASKED, { requests: "4" }), vote)];
          return states.map((state) => m.predictionOf(state, part));
        })()""",
    )
    assert who == [
        {"who": "you", "answer": None},
        {"who": "class", "answer": "5"},
        {"who": "you", "answer": "4"},
    ]


@pytest.mark.parametrize(
    ("hidden_s", "paces", "course"),
    [
        (10, (1, 1, 1, 1), "all_go_on"),
        (10, (1, 1, 1, 0.3), "polls_slow"),
        (10, (1, 1, 0, 0), "polls_stop"),
        (10, (0, 0, None, 0), "all_stop"),
        (10, (1, 0.2, 1, 1), "other"),
        (1, (1, 1, 1, 1), None),
    ],
)
def test_what_happened_while_hidden(
    empty_page: Page, hidden_s: float, paces: tuple[float | None, ...], course: str | None
) -> None:
    given = {"hidden": [[5e9, (5 + hidden_s) * 1e9]], **lanes("pace_ratio", *paces)}
    assert module(empty_page, "page/predict/hiding.js", "m.courseWhileHidden(given)", given) == course


def test_the_pace_while_hidden_is_a_ratio_of_rates(empty_page: Page) -> None:
    times = [second * 1e9 for second in (0.5, 1.5, 2.5, 3.5, 6.5, 8.5)]
    given = {"times": times, "hidden": [[4e9, 8e9]]}
    assert module(empty_page, "page/predict/hiding.js", "m.paceRatio(given.times, given.hidden, 0, 9e9)", given) == 0.25
    assert module(empty_page, "page/predict/hiding.js", "m.paceRatio(given.times, [], 0, 9e9)", given) is None


def test_only_a_prediction_or_an_explicit_skip_unlocks_a_run(page: Page, classroom: RunningClassroom) -> None:
    open_page(page, classroom)
    for question in QUESTIONS:
        go_to(page, question)
        expect(run_button(page)).to_be_disabled()
        expect(page.locator(".predict-rule")).to_have_count(0 if question == "hide_the_tab" else 1)
        page.get_by_role("button", name="Lock in my prediction").click()
        expect(page.locator(".predict-missing")).to_be_visible()
        expect(run_button(page)).to_be_disabled()
        page.get_by_role("button", name="Skip, just show me").click()
        expect(run_button(page)).to_be_enabled()
        expect(page.locator(".predict-locked")).to_contain_text("skipped")


def test_a_prediction_outlasts_a_reload_and_back_leads_to_the_view_before(
    page: Page, classroom: RunningClassroom
) -> None:
    open_page(page, classroom)
    page.locator("#tab-predict").click()
    page.get_by_label("Requests per event").fill("4.5")
    page.get_by_role("button", name="Lock in my prediction").click()
    page.reload()
    expect(page.locator(".predict-question")).to_have_attribute("data-phase", "ready")
    expect(page.locator(".predict-locked")).to_contain_text("4.5")
    page.go_back()
    expect(page.locator("#tab-watch")).to_have_attribute("aria-selected", "true")
    page.go_forward()
    expect(page.locator("#tab-predict")).to_have_attribute("aria-selected", "true")


VOTES = {"0.2": 0, "1": 1, "2": 0, "5": 3, "20": 0}
RESULT: dict[str, Any] = {
    "who": "you",
    "outcome": "off",
    "scores": [{"outcome": "off", "bars": [], "right": ["5"]}],
    "evidence": {"run": {"lanes": {name: {} for name in TRANSPORTS}}},
    "models": {},
    "records": {},
}
DAMAGE: list[dict[str, Any]] = [
    {"who": "nobody"},
    {"outcome": "splendid"},
    {"scores": [{}]},
    {"scores": []},
    {"models": None},
    {"evidence": {"run": {}}},
    {"evidence": {"run": {"lanes": {"websocket": {}}}}},
    {"evidence": None},
]


@pytest.mark.parametrize(
    ("kept", "phase"),
    [
        ({"phase": "ready", "answers": {"requests": "4"}}, "ready"),
        ({"phase": "running", "answers": {"requests": "4"}}, "ready"),
        ({"phase": "ready", "skipped": True}, "ready"),
        ({"phase": "ready", "answers": {"requests": "many"}}, "asked"),
        ({"phase": "ready", "answers": {"other": "4"}}, "asked"),
        ({"phase": "revealed", "answers": {"requests": "4"}, "result": {"scores": []}}, "asked"),
        ({"phase": "revealed", "answers": {"requests": "4"}, "result": RESULT}, "revealed"),
        ({"phase": "revealed", "vote": {"id": "v", "counts": {"requests": VOTES}}, "result": RESULT}, "revealed"),
        ({"phase": "ready", "vote": {"id": "v", "counts": {"requests": VOTES}}}, "ready"),
        ({"phase": "ready", "vote": {"id": "v", "counts": {"requests": VOTES | {"5": -1}}}}, "asked"),
        ({"phase": "ready", "vote": {"id": "v", "counts": {"age": VOTES}}}, "asked"),
        ({"phase": "ready", "vote": 7}, "asked"),
        *(
            ({"phase": "revealed", "answers": {"requests": "4"}, "result": RESULT | damage}, "asked")
            for damage in DAMAGE
        ),
        (None, "asked"),
        ("ready", "asked"),
        ({}, "asked"),
    ],
)
def test_a_prediction_that_was_kept_counts_as_far_as_it_fits(empty_page: Page, kept: object, phase: str) -> None:
    expression = "m.restored(given, (await import('/static/js/page/predict/questions.js')).QUESTIONS[0]).phase"
    assert module(empty_page, "page/predict/progress.js", expression, kept) == phase


def test_a_prediction_by_keyboard(page: Page, classroom: RunningClassroom) -> None:
    open_page(page, classroom)
    go_to(page, "cheapest_when_idle")
    page.locator(".choice input").first.focus()
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    expect(page.locator(".choice input:checked")).to_have_value("sse")
    page.keyboard.press("Enter")
    expect(page.locator(".predict-locked dd")).to_have_text("SSE")
    expect(run_button(page)).to_be_focused()


def answer_and_run(page: Page, classroom: RunningClassroom, question: str, answers: dict[str, str]) -> str:
    shorten_runs(page, SHORT_S.get(question, 4))
    open_page(page, classroom)
    go_to(page, question)
    for part, answer in answers.items():
        field = page.locator(f'[name="{part}"]')
        if field.first.get_attribute("type") == "radio":
            page.locator(f'[name="{part}"][value="{answer}"]').check()
        else:
            field.fill(answer)
    page.get_by_role("button", name="Lock in my prediction").click()
    run_button(page).click()
    if question == "hide_the_tab":
        page.locator(".predict-hide", has_text="hide this tab").wait_for(timeout=PATIENCE_MS)
        set_hidden(page, True)
        page.wait_for_timeout(HIDDEN_S * 1000)
        set_hidden(page, False)
    return wait_for_result(page)


def test_requests_per_event_are_scored_by_the_run(page: Page, classroom: RunningClassroom) -> None:
    assert answer_and_run(page, classroom, "requests_per_event", {"requests": "1000"}) == "off"
    bars = page.locator(".predict-part .bars tr")
    told = dict(zip(("you", "run", "model"), bars.locator(".number").all_inner_texts(), strict=True))
    measured = page.evaluate(
        """async () => {
          const { laneNumbers } = await import("/static/js/shared/numbers.js");
          return laneNumbers(window.classroom.store.finished, "short_poll").requests_per_event;
        }"""
    )
    assert float(told["run"]) == pytest.approx(measured, abs=0.01)
    assert float(told["model"]) == 5
    formula = page.locator(".predict-formulas").inner_text()
    assert formula == "1 ÷ (events a second × seconds between requests) = 1 ÷ (0.2 × 1) = 5"
    said_of_it = page.locator(".predict-verdict").inner_text()
    assert said_of_it == f"Not this time: you said 1,000, the run shows {told['run']}."
    assert page.locator(".predict-record").get_attribute("data-agrees") == "true"
    assert page.evaluate("() => window.classroom.store.current.run.auto") is False, "the stage waits for the class"
    found = Axe().run(page).response["violations"]
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []


def test_the_run_is_seen_in_the_question_and_again_slowly(page: Page, classroom: RunningClassroom) -> None:
    shorten_runs(page, 4)
    open_page(page, classroom)
    go_to(page, "halve_the_interval")
    lanes_of_run = page.locator(".predict-lanes")
    expect(lanes_of_run).to_be_hidden()
    page.get_by_role("button", name="Skip, just show me").click()
    run_button(page).click()
    expect(lanes_of_run.locator(".lanes-status")).to_have_text("The run, as it happens")
    figure = lanes_of_run.locator('.lane-label[data-transport="sse"] .lane-figure')
    expect(figure).to_contain_text(re.compile(r"1 request, [1-9]\d* events"))
    wait_for_result(page)
    for _ in range(2):
        expect(lanes_of_run.locator(".lanes-status")).to_contain_text("Held at 4.0 s")
        buttons = lanes_of_run.get_by_role("button")
        assert buttons.all_inner_texts() == ["Slowly: a poll each second", "Slowly: a poll each half second"]
        buttons.nth(1).click()
        expect(buttons.nth(1)).to_have_attribute("aria-pressed", "true")
        expect(lanes_of_run.locator(".lanes-status")).to_contain_text("Five times as slow")
        page.wait_for_function(f"(before) => {PICTURE} !== before", arg=page.evaluate(PICTURE))
        page.keyboard.press("Space")
        expect(lanes_of_run.locator(".lanes-status")).to_contain_text("Held at")
        page.reload()  # the runs, too, outlast it
        expect(page.locator(".predict-question")).to_have_attribute("data-phase", "revealed")
    expect(figure).to_contain_text(re.compile(r"1 request, [1-9]\d* events"))


def test_halving_the_interval_is_scored_by_two_runs(page: Page, classroom: RunningClassroom) -> None:
    outcome = answer_and_run(page, classroom, "halve_the_interval", {"requests": "half", "age": "twice"})
    assert outcome == "off"
    assert said(page)["The run says"].startswith("twice as many")
    assert said(page)["The formula says"].endswith("×\xa02")
    assert page.locator(".predict-part").nth(1).locator(".bars tr").count() == 4
    seeds = "() => ['previous', 'current'].map((which) => window.classroom.store[which].settings.seed)"
    streams = page.evaluate(seeds)
    assert streams[0] == streams[1], "the same stream twice"


def test_long_poll_and_websocket_are_compared_at_both_rates(page: Page, classroom: RunningClassroom) -> None:
    outcome = answer_and_run(page, classroom, "long_poll_or_websocket", {"calm": "ten", "busy": "ten"})
    verdicts = [said(page, part)["The run says"].startswith("about ten times") for part in (0, 1)]
    assert outcome == ("right" if all(verdicts) else "off")
    assert page.locator(".predict-numbers table").count() == 2


def test_the_cheapest_lane_is_the_one_with_the_fewest_bytes(page: Page, classroom: RunningClassroom) -> None:
    assert answer_and_run(page, classroom, "cheapest_when_idle", {"least": "short_poll"}) == "off"
    record = classroom.record()
    [lanes_of] = [client for client in record["clients"].values() if client["short_poll"]["requests"]]
    costs = {name: lane["up_bytes"] + lane["down_bytes"] for name, lane in lanes_of.items()}
    told = page.locator(".predict-part .bars tr .number").all_inner_texts()
    assert [int(text.removesuffix("\xa0B").replace(",", "")) for text in told] == [costs[name] for name in TRANSPORTS]


def test_hiding_the_tab_is_scored_by_what_the_lanes_did(page: Page, classroom: RunningClassroom) -> None:
    outcome = answer_and_run(page, classroom, "hide_the_tab", {"course": "all_go_on"})
    assert outcome == ("right" if said(page)["The run says"] == "all four go on as before" else "off")
    assert page.locator(".predict-part .bars tr").count() == 4


def test_a_tab_that_was_not_hidden_answers_nothing(page: Page, classroom: RunningClassroom) -> None:
    shorten_runs(page, 3)
    open_page(page, classroom)
    go_to(page, "hide_the_tab")
    page.get_by_role("button", name="Skip, just show me").click()
    run_button(page).click()
    assert wait_for_result(page) == "unmeasured"
    assert "was not hidden" in page.locator(".predict-verdict").inner_text()
    page.get_by_role("button", name="Predict again").click()
    expect(run_button(page)).to_be_disabled()


def test_a_run_that_another_replaces_comes_to_nothing_and_can_be_repeated(
    page: Page, classroom: RunningClassroom
) -> None:
    open_page(page, classroom)
    go_to(page, "cheapest_when_idle")
    page.get_by_role("button", name="Skip, just show me").click()
    run_button(page).click()
    # The page says so only once the server has begun its run: one begun before would be replaced by it.
    page.locator(".predict-now:not(:empty)").wait_for(timeout=PATIENCE_MS)
    classroom.start_run(duration_s=3)
    page.locator(".predict-trouble", has_text="before its time").wait_for(timeout=PATIENCE_MS)
    expect(run_button(page)).to_be_enabled()


def test_who_may_not_start_runs_is_told_so(page: Page, classroom: RunningClassroom) -> None:
    page.route("**/api/run", lambda route: route.fulfill(status=403, json={"detail": "only the teacher may do this"}))
    open_page(page, classroom)
    go_to(page, "cheapest_when_idle")
    page.get_by_role("button", name="Skip, just show me").click()
    run_button(page).click()
    page.locator(".predict-trouble", has_text="only the teacher may do this").wait_for(timeout=PATIENCE_MS)
