"""The recorded run: real when it was made, whole, labelled, and played through the same store as live traffic."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from classroom import recorded
from classroom.lanes.definitions import TRANSPORTS
from classroom.recorded import BUNDLED
from classroom.run_settings import RunSettings
from tests.classroom.conftest import CHECKOUT, RunningClassroom
from tests.classroom.page.test_page_access import serious
from tests.classroom.page_driving import PATIENCE_MS, module

pytestmark = pytest.mark.takes_s(20, waits=True)

RECORDING: dict[str, Any] = json.loads(BUNDLED.read_text())


def test_the_bundled_run_is_whole() -> None:
    settings = RunSettings(**RECORDING["run"]["settings"])
    assert RECORDING["ended"]
    seqs = {event["seq"] for event in RECORDING["published"]}
    assert len(seqs) == round(settings.rate_per_s * settings.duration_s)
    for transport in TRANSPORTS:
        lane = RECORDING["lanes"][transport]
        assert {delivery["seq"] for delivery in lane["deliveries"] if delivery["received_ns"] is not None} == seqs
        for delivery in lane["deliveries"]:
            assert delivery["received_ns"] > delivery["due_ns"] + settings.one_way_delay_ms * 0.9e6, "a real way"
    assert [lane["transport"] for lane in RECORDING["recorded"]["lanes"]] == list(TRANSPORTS)


def test_played_again_it_is_the_same_run(empty_page: Page) -> None:
    """Through messages and the store, its numbers are those of the recording, on other times and under another id."""
    told = module(
        empty_page,
        "page/recorded/messages.js",
        """await (async () => {
          const { RunStore } = await import("/static/js/shared/run_store.js");
          const { RunData } = await import("/static/js/shared/run_data.js");
          const { laneNumbers } = await import("/static/js/shared/numbers.js");
          const store = new RunStore();
          const takers = {
            run: ({ run }) => store.begin(run), tick: (tick) => store.addTick(tick), ended: ({ run }) => store.end(run),
          };
          const messages = m.messagesOf(given, 7, 12345);
          for (const { from, message } of messages) {
            if (from === "worker") store.addTraffic(message);
            else takers[message.type](message);
          }
          const numbers = (data) => Object.keys(given.lanes).map((transport) => laneNumbers(data, transport));
          return {
            before: numbers(RunData.restore(given)), after: numbers(store.current), id: store.current.run.id,
            moved: store.current.run.t0_ns - given.run.t0_ns, ended: store.current.ended,
            sorted: messages.every((one, index) => index === 0 || messages[index - 1].at_ns <= one.at_ns),
          };
        })()""",
        RECORDING,
    )
    assert told["after"] == [pytest.approx(lane, nan_ok=True) for lane in told["before"]]
    assert (told["id"], told["moved"], told["ended"], told["sorted"]) == (7, 12345, True, True)


def test_asked_for_it_is_labelled_and_fills_the_lanes(page: Page, classroom: RunningClassroom) -> None:
    sockets: list[str] = []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    page.goto(f"{classroom.url}/?recorded")
    label = page.locator("#recorded-label")
    label.wait_for(timeout=PATIENCE_MS)
    assert "Recorded run – not live" in label.inner_text()
    assert RECORDING["recorded"]["at"][:10] in label.inner_text()
    expect(page.locator("#connection-status")).to_have_text("Recorded", timeout=PATIENCE_MS)
    for transport in TRANSPORTS:
        page.locator(
            f'[data-transport="{transport}"][data-field="delivered"]:not([data-value="0"]):not([data-value=""])'
        ).wait_for(timeout=2 * PATIENCE_MS)
    # At the end of each round the lanes say for a moment that the last events arrive.
    expect(page.locator("#lanes-status")).to_have_text(re.compile("^Recorded, run"), timeout=PATIENCE_MS)
    expect(page.locator("#controls-note")).to_contain_text("nothing can be started", timeout=PATIENCE_MS)
    said = {
        "watch": "Recorded, run",
        "predict": "A recorded run plays",
        "lesson": "A recorded run plays",
        "class": "A recorded run plays",
    }
    for view, words in said.items():
        page.locator(f"#tab-{view}").click()
        expect(label).to_be_visible(timeout=PATIENCE_MS)
        expect(page.locator(f"#view-{view}")).to_contain_text(words, timeout=PATIENCE_MS)
    assert serious(page) == []
    assert not [url for url in sockets if "/api/live" in url or "/ws" in url], "nothing is live"
    page.get_by_role("link", name="Go live").click()
    page.locator('#connection-status[data-state="live"]').wait_for(timeout=PATIENCE_MS)
    expect(page.locator("#recorded-label")).to_have_count(0, timeout=PATIENCE_MS)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"version": 2}, "This recording has version 2; this page knows 1."),
        ({"version": "1"}, "This recording has version 1; this page knows 1."),
        ({"format": "something else"}, "This is no recorded run."),
    ],
    ids=str,
)
def test_a_run_file_of_another_version_is_refused_and_the_page_is_live(
    page: Page, classroom: RunningClassroom, change: dict[str, Any], told: str
) -> None:
    page.route("**/recorded/run.json", lambda route: route.fulfill(json=RECORDING | change))
    page.goto(f"{classroom.url}/?recorded")
    page.locator('#connection-status[data-state="live"]').wait_for(timeout=PATIENCE_MS)
    expect(page.locator("#banner")).to_have_text(f"{told} This page is live instead.")
    expect(page.locator("#recorded-label")).to_have_count(0)


SILENCE = """(() => {
  const listeners = {};
  const looks = [];
  const { setInterval } = window;
  let now_ns = 40e9;
  const context = { on: (event, fn) => { listeners[event] = fn; }, serverNow: () => now_ns };
  let asked = null;
  window.setInterval = (look) => looks.push(look);
  m.watchForSilence(context, { pathname: "/", hash: "#watch", assign: (url) => { asked = url; } });
  window.setInterval = setInterval;
  listeners.run({ run: { t0_ns: 0 } });
  for (const [kind, message] of given.heard) listeners[kind](message);
  now_ns += given.later_ns;
  looks.forEach((look) => look());
  return [looks.length, asked];
})()"""
"""Of the watch's clock and of its timer, which would look twice a second, the test has the hands."""


@pytest.mark.parametrize(
    ("later_ns", "heard", "turns"),
    [
        (10e9, [["answered", {"status": 0}]], True),
        (10e9, [["closed", {"code": 1006}]], True),
        (6e9, [["closed", {"code": 1006}]], False),
        (10e9, [], False),
        (26e9, [], True),
        (26e9, [["closed", {"code": 1006}], ["answered", {"status": 204}]], False),
        (26e9, [["frame", {}]], False),
        (26e9, [["opened", {}]], False),
    ],
)
def test_where_no_lane_answers_the_page_turns_to_it(
    empty_page: Page, later_ns: float, heard: list[Any], turns: bool
) -> None:
    asked = module(empty_page, "page/recorded/recorded.js", SILENCE, {"later_ns": later_ns, "heard": heard})
    assert asked == [1, "/?recorded=lanes#watch" if turns else None]


@pytest.mark.usefixtures("browser")  # where there is none it cannot record
def test_the_documented_command_records_a_real_run(tmp_path: Path) -> None:
    target = tmp_path / "mine.json"
    command = [sys.executable, "-m", "classroom.recorded", str(target), "--seconds", "3", "--seed", "1"]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    saved = json.loads(target.read_text())
    assert saved["format"] == RECORDING["format"]
    assert set(saved["recorded"]) == set(RECORDING["recorded"])
    assert saved["run"]["settings"]["duration_s"] == 3
    assert all(saved["lanes"][transport]["requests"] for transport in TRANSPORTS)


@pytest.mark.parametrize("seconds", ["2", "61", "nan", "long"])
def test_a_length_that_makes_no_sense_is_refused_in_words(seconds: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        recorded.main(["unused.json", "--seconds", seconds])
    assert caught.value.code == 2
    assert "expected 3 to 60 seconds" in capsys.readouterr().err
