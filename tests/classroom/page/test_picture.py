"""The picture is true and obeys: what is held is seen, what is stopped stops, who starts a run sees it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, WebSocketRoute, expect

from classroom.lanes.definitions import TRANSPORTS as LANE_ORDER
from tests.browser import still_context
from tests.classroom.conftest import PATIENCE_S, RunningClassroom, opened_page, row_of_free_ports, running_classroom
from tests.classroom.page_driving import (
    PATIENCE_MS,
    PICTURE,
    TRANSPORTS,
    module,
    open_page,
    set_in_motion,
    shown,
    snapshot,
    wait_for_end,
    wait_until_shown,
)
from tests.classroom.scripted import scripted_client

pytestmark = pytest.mark.takes_s(80, waits=True)

UNCOVERED = """async (seconds) => {
  const { laneShapes } = await import("/static/js/lanes/geometry.js");
  const { Timeline } = await import("/static/js/lanes/timeline.js");
  const { store, serverNow } = window.classroom;
  const data = store.current;
  const timeline = new Timeline();
  const covers = ({ from_ns, to_ns }, at) => from_ns <= at && at < to_ns;
  const wrong = [];
  let shown = -Infinity;
  while (shown < data.run.t0_ns + seconds * 1e9) {
    await new Promise(requestAnimationFrame);
    shown = timeline.shownNs(serverNow(), data);
    const from = Math.max(data.run.t0_ns + 1e9, shown - 10e9);
    const shapes = laneShapes(data, "long_poll", shown - 10e9, shown);
    for (let at = from; at < shown; at += 7e6) {
      const covering = [...shapes.lines, ...shapes.bars, ...shapes.waits].filter((shape) => covers(shape, at)).length;
      const inGap = shapes.gaps.some(({ received_ns, sent_ns }) => received_ns <= at && at <= sent_ns);
      if (covering !== 1 && !(covering === 0 && inGap)) wrong.push([(at - data.run.t0_ns) / 1e9, covering]);
    }
  }
  return wrong.slice(0, 5);
}"""


@pytest.fixture(autouse=True)
def _in_motion(request: pytest.FixtureRequest) -> None:
    if "page" in request.fixturenames:
        set_in_motion(request.getfixturevalue("page"))


def wait_for_run(page: Page, run: dict[str, Any]) -> None:
    """Until the page shows this run, live, and has begun to count it."""
    page.locator("#lanes-status", has_text=f"Live, run {run['id']}:").wait_for(timeout=PATIENCE_MS)
    page.wait_for_function(
        "() => window.classroom.serverNow() > window.classroom.store.current.run.t0_ns + 1e9", timeout=PATIENCE_MS
    )


def wait_until_passed(page: Page, span_ns: float) -> None:
    """Until so much time has gone by on the page, by the server's clock."""
    page.wait_for_function(
        "(at) => window.classroom.serverNow() > at", arg=time.monotonic_ns() + span_ns, timeout=PATIENCE_MS
    )


def status(page: Page) -> str:
    return page.locator("#lanes-status").inner_text()


@pytest.mark.parametrize("rate_per_s", [0.05, 3.0])
def test_a_long_poll_is_always_on_its_way_or_held(page: Page, classroom: RunningClassroom, rate_per_s: float) -> None:
    open_page(page, classroom)
    run = classroom.start_run(rate_per_s=rate_per_s, duration_s=60.0)
    wait_for_run(page, run)
    assert page.evaluate(UNCOVERED, 5) == []


def test_a_held_poll_is_seen_while_it_is_held(page: Page, classroom: RunningClassroom) -> None:
    open_page(page, classroom)
    run = classroom.start_run(rate_per_s=0.05, duration_s=60.0, seed=277)  # the first event is due after 55 s
    wait_for_run(page, run)
    figure = page.locator('.lane-label[data-transport="short_poll"] .lane-figure')
    expect(figure).to_have_text(re.compile(r"^\d+ requests?$"))  # who asks is counted before anything has come
    page.wait_for_function(
        """() => [...window.classroom.store.current.lanes.long_poll.requests.values()]
          .some(({ arrived_ns, answered_ns }) => arrived_ns !== null && answered_ns === null)""",
        timeout=PATIENCE_MS,
    )


@pytest.mark.parametrize("hold", ["freeze", "replay"])
def test_who_starts_a_run_sees_it(page: Page, classroom: RunningClassroom, hold: str) -> None:
    open_page(page, classroom)
    run = classroom.start_run(rate_per_s=5.0, duration_s=60.0)
    wait_for_run(page, run)
    page.locator("#freeze-button" if hold == "freeze" else '[data-speed="0.05"]').click()
    expect(page.locator("#lanes-status")).not_to_contain_text("Live")
    with page.expect_response("**/api/run") as answered:
        page.get_by_role("button", name="Ticker").click()
    new = answered.value.json()["id"]
    classroom.request("POST", "/api/auto", json={"auto": False})
    page.locator("#lanes-status", has_text=f"Live, run {new}:").wait_for()
    expect(page.locator("#settings-summary")).to_contain_text(re.compile("10.events a second"))


def test_a_held_run_is_shown_with_its_own_settings(page: Page, classroom: RunningClassroom) -> None:
    open_page(page, classroom)
    run = classroom.start_run(rate_per_s=5.0, duration_s=60.0)
    wait_for_run(page, run)
    page.keyboard.press("Space")
    page.locator("#lanes-status", has_text="Frozen").wait_for()
    other = classroom.start_run(rate_per_s=7.0, duration_s=60.0)
    expect(page.locator("body")).to_have_attribute("data-run-id", str(other["id"]))
    summary = page.locator("#settings-summary")
    expect(summary).to_contain_text(re.compile(rf"^Run {run['id']}: About 5"))
    page.locator("#live-button").click()
    expect(summary).to_contain_text(re.compile("^About 7"))


def test_a_replay_is_of_the_run_that_was_seen(page: Page, classroom: RunningClassroom) -> None:
    open_page(page, classroom)
    over = classroom.start_run(rate_per_s=5.0, duration_s=3.0)
    wait_for_end(page, over["id"])
    run = classroom.start_run(rate_per_s=5.0, duration_s=60.0)
    wait_for_run(page, run)
    page.locator('[data-speed="0.05"]').click()
    page.locator("#lanes-status", has_text=f"Replay of run {run['id']} at 1/20").wait_for()


def mine(page: Page, classroom: RunningClassroom) -> dict[str, Any]:
    """The server's record of this page."""
    client = page.evaluate("() => window.classroom.client")
    lanes: dict[str, Any] = classroom.record()["clients"][str(client)]
    return lanes


def test_stop_stops_the_traffic_and_the_counts(page: Page, classroom: RunningClassroom) -> None:
    open_page(page, classroom)
    run = classroom.start_run(rate_per_s=4.0, poll_interval_s=0.3, duration_s=300.0, auto=True)
    wait_for_run(page, run)
    page.wait_for_function(
        "() => window.classroom.store.current.lanes.short_poll.requests.size >= 6", timeout=PATIENCE_MS
    )
    page.locator("#stop-button").click()
    expect(page.locator("#lanes-status")).to_have_text(f"Run {run['id']} is over: it was stopped")
    record = mine(page, classroom)
    for transport in TRANSPORTS:
        wait_until_shown(page, transport, "requests", record[transport]["requests"])
        wait_until_shown(page, transport, "delivered", len(record[transport]["delivered"]))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    wait_until_passed(page, 2e9)  # longer than an interval and whatever was under way
    assert [url for url in asked if "/poll/" in url] == []
    assert mine(page, classroom) == record
    for transport in TRANSPORTS:
        assert shown(page, transport, "requests") == record[transport]["requests"]
    expect(page.locator("#lanes-status")).to_have_text(f"Run {run['id']} is over: it was stopped")


def test_the_picture_of_a_run_that_was_stopped_holds(page: Page, classroom: RunningClassroom) -> None:
    open_page(page, classroom)
    run = classroom.start_run(rate_per_s=4.0, duration_s=300.0)
    wait_for_run(page, run)
    classroom.request("POST", "/api/stop")
    wait_for_end(page, run["id"])
    page.wait_for_function(
        f"""() => {{
          const picture = {PICTURE};
          const now = performance.now();
          if (picture !== window.lastPicture) Object.assign(window, {{ lastPicture: picture, since: now }});
          return now - window.since > 1500;
        }}""",
        polling=100,
        timeout=PATIENCE_MS,
    )


HOLD_CONNECTIONS = """async ([address, count]) => {
  window.held = Array.from({ length: count }, () => new EventSource(address));
  await Promise.all(window.held.map((stream) => new Promise((resolve) => (stream.onopen = resolve))));
}"""


def test_a_tab_that_finds_no_free_connection_says_so_until_there_is_one(
    page: Page, context: BrowserContext, classroom: RunningClassroom
) -> None:
    """The seventh of a browser's tabs: six event streams to one server are open already."""
    with scripted_client(classroom) as other_tabs, opened_page(context) as holder:
        holder.goto(f"{classroom.url}/static/icon.svg")
        port = classroom.lane_ports[LANE_ORDER.index("sse")]
        holder.evaluate(HOLD_CONNECTIONS, [f"http://127.0.0.1:{port}{other_tabs.path('sse')}", 6])
        open_page(page, classroom)
        run = classroom.start_run(rate_per_s=4.0, duration_s=120.0)
        wait_for_run(page, run)
        note = page.locator("#numbers-note")
        expect(note).to_contain_text("SSE: waiting for a free connection; this browser opens six per server")
        expect(page.locator('.lane-label[data-transport="sse"] .lane-figure')).to_have_text(
            "waiting for a free connection"
        )
        shapes = module(
            page, "lanes/geometry.js", "m.laneShapes(window.classroom.store.current, 'sse', -Infinity, Infinity)"
        )
        assert (len(shapes["waits"]), shapes["lines"], shapes["gaps"]) == (1, [], [])
        holder.evaluate("() => window.held.forEach((stream) => stream.close())")
        expect(note).not_to_contain_text("waiting")
        page.wait_for_function(
            "() => window.classroom.store.current.lanes.sse.deliveries.size > 0", timeout=PATIENCE_MS
        )
        classroom.request("POST", "/api/stop")


def test_the_scrubber_stays_in_the_run(page: Page, classroom: RunningClassroom) -> None:
    open_page(page, classroom)
    run = classroom.start_run(rate_per_s=4.0, duration_s=60.0)
    wait_for_run(page, run)
    scrubber = page.get_by_label("Moment of the run")
    scrubber.fill("0")
    expect(page.locator("#lanes-status")).to_have_text(f"Frozen in run {run['id']} at 0.0 s")
    scrubber.fill("40")
    expect(page.locator("#lanes-status")).not_to_contain_text("at 0.0 s")
    last_s = float(status(page).split()[-2])
    assert last_s <= page.evaluate("(t0) => (window.classroom.serverNow() - t0) / 1e9", run["t0_ns"])
    assert float(scrubber.input_value()) == pytest.approx(last_s, abs=0.11)


def test_a_page_that_comes_late_counts_requests_and_events_from_then_on(
    page: Page, classroom: RunningClassroom
) -> None:
    classroom.start_run(rate_per_s=20.0, arrival="periodic", poll_interval_s=0.5, duration_s=300.0)
    open_page(page, classroom)
    page.wait_for_function("() => window.classroom.serverNow() > window.classroom.store.current.run.t0_ns + 4e9")
    page.reload()
    page.wait_for_function("() => window.classroom?.store.current?.lanes.short_poll.deliveries.size > 20")
    classroom.request("POST", "/api/stop")
    page.locator("#lanes-status", has_text="is over").wait_for()
    data, ratios = page.evaluate(  # at one moment: what was under way may still come
        """async () => {
          const { laneNumbers } = await import("/static/js/shared/numbers.js");
          const data = window.classroom.store.current;
          const ratioOf = (transport) => [transport, laneNumbers(data, transport).requests_per_event];
          return [data.snapshot(), Object.fromEntries(Object.keys(data.lanes).map(ratioOf))];
        }"""
    )
    from_ns = data["counts_from_ns"]
    assert from_ns is not None
    for transport in TRANSPORTS:
        lane = data["lanes"][transport]
        asked = [row for row in lane["requests"] if row["sent_ns"] >= from_ns]
        here = [row for row in lane["deliveries"] if row["due_ns"] >= from_ns and row["received_ns"] is not None]
        assert ratios[transport] == (len(asked) / len(here) if here else None)


def test_a_median_of_the_few_that_came_says_so(page: Page, classroom: RunningClassroom) -> None:
    open_page(page, classroom)
    run = classroom.start_run(cursor=False, rate_per_s=10.0, arrival="periodic", duration_s=4.0)
    wait_for_end(page, run["id"])
    record = classroom.record()
    came = len(mine(page, classroom)["short_poll"]["delivered"])
    never = len(record["published"]) - came
    expect(page.locator("#numbers-note")).to_contain_text(
        re.compile(rf"Short poll: median \d+ ms, of the {came} that came; {never} never did\.")
    )
    figure = page.locator('.lane-label[data-transport="short_poll"] .lane-figure')
    expect(figure).to_have_text(re.compile(rf"^median \d+ ms of {came},\s+{never} never came$"))


def test_no_question_has_polls_in_step_with_its_events(empty_page: Page) -> None:
    for question in module(empty_page, "page/predict/questions.js", "m.QUESTIONS"):
        for run in question["runs"]:
            settings = run["settings"]
            if settings["arrival"] != "periodic":
                continue
            ratio = 1 / settings["rate_per_s"] / settings["poll_interval_s"]
            waits = sorted({round(k * ratio % 1, 6) for k in range(40)})
            gaps = [later - earlier for earlier, later in zip(waits, [*waits[1:], waits[0] + 1], strict=True)]
            assert max(gaps) < 0.1, question["id"]


def fill(page: Page, **fields: str) -> None:
    if page.locator("#settings-fields").is_hidden():
        page.locator("#settings-button").click()
    for name, value in fields.items():
        page.locator(f"#setting-{name}").fill(value)


def test_after_a_prediction_the_teachers_own_settings_come_back(page: Page, classroom: RunningClassroom) -> None:
    open_page(page, classroom)
    fill(page, rate_per_s="3", poll_interval_s="0.7")
    with page.expect_response("**/api/run"):
        page.locator("#start-button").click()
    query = page.evaluate("() => location.search")
    page.locator("#tab-predict").click()
    page.locator('[data-action="skip"]').click()
    with page.expect_response("**/api/run") as answered:
        page.locator('[data-action="run"]').click()
    asked = answered.value.json()
    assert asked["once"]
    expect(page.locator("body")).to_have_attribute("data-run-id", str(asked["id"]))
    page.locator("#tab-watch").click()
    expect(page.locator("#setting-rate_per_s")).to_have_value("3")
    expect(page.locator("#setting-seed")).to_have_value("")
    assert page.evaluate("() => location.search") == query
    classroom.request("POST", "/api/stop")
    page.locator(".predict-trouble").wait_for(state="attached")
    classroom.request("POST", "/api/auto", json={"auto": True})
    page.wait_for_function("(id) => Number(document.body.dataset.runId) > id", arg=asked["id"])
    settings = classroom.record()["run"]["settings"]
    assert (settings["rate_per_s"], settings["poll_interval_s"], settings["seed"]) == (3, 0.7, None)
    classroom.request("POST", "/api/stop")


def test_what_is_half_typed_outlasts_a_run_that_somebody_else_starts(page: Page, classroom: RunningClassroom) -> None:
    open_page(page, classroom)
    fill(page, rate_per_s="4.5")
    run = classroom.start_run(rate_per_s=2.0, poll_interval_s=0.5, duration_s=60.0)
    expect(page.locator("body")).to_have_attribute("data-run-id", str(run["id"]))
    expect(page.locator("#setting-poll_interval_s")).to_have_value("0.5")
    expect(page.locator("#setting-rate_per_s")).to_have_value("4.5")


@pytest.fixture
def ports() -> Iterator[tuple[str, str]]:
    yield "--port", str(row_of_free_ports())


def test_the_teachers_tabs_keep_their_settings_and_what_is_half_typed_through_a_restart(
    browser: Browser, ports: tuple[str, str]
) -> None:
    with (
        still_context(browser) as context,
        opened_page(context) as page,
        opened_page(context) as other,
    ):
        with running_classroom(*ports) as first:
            open_page(page, first, "?rate_per_s=3&poll_interval_s=0.7")
            page.locator("#lanes-status", has_text="Live, run").wait_for()
            open_page(other, first)
            expect(other.locator("#setting-rate_per_s")).to_have_value("3")
            fill(page, hold_s="12")
            fill(other, rate_per_s="4.5")
        for tab in (page, other):
            expect(tab.locator("#connection-status")).to_have_attribute("data-state", "lost")
        with running_classroom(*ports) as second:
            for tab in (page, other):
                expect(tab.locator("#connection-status")).to_have_attribute("data-state", "live")
            deadline = time.monotonic() + PATIENCE_S
            while (settings := second.record()["run"]["settings"])["rate_per_s"] != 3:
                assert time.monotonic() < deadline, settings
                time.sleep(0.05)
            assert settings["poll_interval_s"] == 0.7
            assert page.evaluate("() => location.search") == "?rate_per_s=3&poll_interval_s=0.7"
            expect(page.locator("#setting-hold_s")).to_have_value("12")
            expect(page.locator("#setting-rate_per_s")).to_have_value("3")
            expect(other.locator("#setting-rate_per_s")).to_have_value("4.5")
            expect(other.locator("#setting-hold_s")).to_have_value("30")


def test_a_run_whose_server_is_lost_breaks_off(page: Page, classroom: RunningClassroom) -> None:
    lines: list[WebSocketRoute] = []
    is_lost = False

    def join(line: WebSocketRoute) -> None:
        if is_lost:
            line.close(code=1012)
        else:
            lines.append(line)
            line.connect_to_server()

    page.route_web_socket("**/api/live*", join)
    open_page(page, classroom)
    run = classroom.start_run(rate_per_s=4.0, poll_interval_s=0.3, duration_s=300.0)
    wait_for_run(page, run)
    page.wait_for_function("() => window.classroom.store.current.lanes.short_poll.requests.size >= 6")
    is_lost = True
    lines[0].close(code=1012)
    broken = f"Run {run['id']} broke off: this page has lost the server"
    expect(page.locator("#lanes-status")).to_have_text(broken)
    requests = [row for lane in snapshot(page)["lanes"].values() for row in lane["requests"]]
    assert [row for row in requests if row["arrived_ns"] is None] == []
    wait_until_passed(page, 1e9)  # for what was under way
    counted = {transport: lane["requests"] for transport, lane in mine(page, classroom).items()}
    wait_until_passed(page, 2e9)
    assert {transport: lane["requests"] for transport, lane in mine(page, classroom).items()} == counted
    expect(page.locator("#lanes-status")).to_have_text(broken)
    is_lost = False
    page.locator("#lanes-status", has_text=f"Live, run {run['id']}").wait_for(timeout=PATIENCE_MS)
