"""The page's pure modules, tried in the browser: schedules, quantiles, clock, axis, what is missed."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import Page

from classroom.lanes.definitions import LANES
from classroom.run_settings import PRESETS, RunSettings
from contract.parameters import ARRIVALS
from contract.quantiles import quantiles
from tests.classroom.page_driving import TRANSPORTS, module

RUN: dict[str, Any] = {
    "id": 1, "t0_ns": 0, "end_ns": 10e9, "drain_ns": 2e9,
    "settings": {"poll_interval_s": 1, "hold_s": 30, "one_way_delay_ms": 50, "cursor": True},
}  # fmt: skip


@pytest.fixture
def page(empty_page: Page) -> Page:
    return empty_page


def test_settings_are_those_of_the_server(page: Page) -> None:
    assert module(page, "shared/settings.js", "m.DEFAULT_SETTINGS") == RunSettings().model_dump()
    presets = module(
        page, "shared/settings.js", "Object.fromEntries(Object.keys(m.PRESETS).map((n) => [n, m.presetSettings(n)]))"
    )
    assert presets == {name: settings.model_dump() for name, settings in PRESETS.items()}
    assert set(module(page, "shared/settings.js", "m.ARRIVALS")) == set(ARRIVALS)
    for field in module(page, "shared/settings.js", "m.NUMBER_FIELDS"):
        limits = RunSettings.model_json_schema()["properties"][field["name"]]
        assert (field["min"], field["max"]) == (limits["minimum"], limits["maximum"])
        assert (field["step"] == 1) == (limits["type"] == "integer")


def test_lanes_are_those_of_the_server(page: Page) -> None:
    script = "shared/transports.js"
    assert module(page, script, "m.TRANSPORTS") == [lane.transport for lane in LANES] == list(TRANSPORTS)
    assert module(page, script, "m.LABELS") == {lane.transport: lane.label for lane in LANES}
    assert module(page, script, "m.MARKERS") == {lane.transport: lane.marker for lane in LANES}
    assert module(page, script, "m.TRANSPORTS.filter(m.polls)") == [lane.transport for lane in LANES if lane.polls]


@pytest.mark.parametrize("size", [1, 2, 3, 19, 20, 21, 100])
def test_quantiles_are_the_harness_own(page: Page, size: int) -> None:
    values = sorted(math.sin(index) * 100 for index in range(size))
    shares = [0.0, 0.05, 0.5, 0.95, 1.0]
    given = {"values": values, "shares": shares}
    found = module(page, "shared/numbers.js", "given.shares.map((q) => m.quantile(given.values, q))", given)
    assert found == quantiles(values, shares)


def test_histogram_counts_every_value_once(page: Page) -> None:
    edges = module(page, "shared/numbers.js", "m.logEdges(1, 1000, 3)")
    assert edges == pytest.approx([1, 10, 100, 1000])
    given = [0.5, 1, 9.9, 11, 99, 500, 1e6]
    assert module(page, "shared/numbers.js", "m.histogram(given, m.logEdges(1, 1000, 3))", given) == [3, 2, 2]


def plan(page: Page, phase: float, now_ns: float, last_ns: float | None) -> float | None:
    expression = "m.nextPollNs(given.run, given.phase, given.now_ns, given.last_ns)"
    given = {"run": RUN, "phase": phase, "now_ns": now_ns, "last_ns": last_ns}
    planned: float | None = module(page, "lanes/worker/short_poll.js", expression, given)
    return planned


def test_short_polls_are_planned_on_a_grid(page: Page) -> None:
    assert plan(page, 0.25, -0.5e9, None) == 0.25e9
    assert plan(page, 0.25, 0.3e9, 0.25e9) == 1.25e9
    assert plan(page, 0.25, 3.3e9, None) == 4.25e9  # who comes late joins the grid
    assert plan(page, 0.25, 3.5e9, 1.25e9) == 3.25e9  # those in between are skipped, the next one goes out at once


def test_the_last_short_poll_is_the_first_after_the_last_event(page: Page) -> None:
    assert plan(page, 0.25, 9.3e9, 9.25e9) == 10.25e9
    assert plan(page, 0.25, 10.3e9, 10.25e9) is None
    assert plan(page, 0.0, 10.01e9, 10e9) == 11e9  # at the very end the last event may not be published yet


@pytest.mark.parametrize(("now_s", "hold_ms"), [(0.0, 11_700), (10.0, 1_700), (11.65, 50), (11.9, None)])
def test_no_poll_is_held_past_the_runs_end(page: Page, now_s: float, hold_ms: int | None) -> None:
    given = {"run": RUN, "now_ns": now_s * 1e9}
    assert module(page, "lanes/worker/long_poll.js", "m.holdMs(given.run, given.now_ns)", given) == hold_ms


def test_the_narrowest_exchange_sets_the_clock(page: Page) -> None:
    samples = [
        {"sent_ms": 0, "received_ms": 10, "server_ns": 1_000_000_000},
        {"sent_ms": 100, "received_ms": 102, "server_ns": 1_100_500_000},
        {"sent_ms": 200, "received_ms": 209, "server_ns": 1_300_000_000},
    ]
    assert module(page, "lanes/worker/clock.js", "m.bestOffset(given)", samples) == {
        "offset_ns": 1_100_500_000 - 101e6,
        "uncertainty_ms": 1,
    }


def test_a_clock_that_stood_still_is_read_anew(page: Page) -> None:
    """Exchanges from before a machine slept are no longer of its clock; a drift of some ms is none."""
    of = """m.sinceLastStep(
      given.map(([sent_ms, received_ms, server_ns]) => ({ sent_ms, received_ms, server_ns }))).length"""
    level = [[0, 10, 1_000_000_000], [100, 102, 1_104_500_000], [200, 230, 1_215_000_000]]
    assert module(page, "lanes/worker/clock.js", of, level) == 3
    assert module(page, "lanes/worker/clock.js", of, [*level, [300, 309, 61_300_000_000]]) == 1
    assert module(page, "lanes/worker/clock.js", of, [*level, [300, 309, 1_200_000_000]]) == 1


@pytest.mark.parametrize(
    ("span_s", "most", "step_s"), [(10, 10, 1), (10, 9, 2), (0.5, 10, 0.05), (30, 12, 5), (1, 3, 0.5)]
)
def test_the_axis_has_round_steps(page: Page, span_s: float, most: int, step_s: float) -> None:
    found = module(page, "lanes/geometry.js", "m.axisStepS(given[0], given[1])", [span_s, most])
    assert found == pytest.approx(step_s)


FED = """(() => {
  const data = new m.RunData(given.run);
  const lanes = Object.fromEntries(["websocket", "sse", "long_poll", "short_poll"].map((t) => [t, {
    requests: [], written: [], up_bytes: 0, down_bytes: 0, payload_bytes: 0 }]));
  lanes.long_poll.requests = [[1, 1.05e9, 1.2e9, 200, [1]], [2, 1.3e9, 1.9e9, 200, [3]], [3, 2e9, 2.5e9, 204, []]];
  data.addTick({ now_ns: -1, published: [], lanes: {} });
  const published = [[1, 1.2e9, 1.2e9, 90], [2, 1.25e9, 1.25e9, 90], [3, 1.9e9, 1.9e9, 90]];
  data.addTick({ now_ns: 2.6e9, published, lanes });
  const say = (kind, rest) => data.addTraffic({ kind, transport: "long_poll", run: 1, ...rest });
  say("sent", { n: 1, at_ns: 1e9 });
  say("answered", { n: 1, at_ns: 1.25e9, status: 200, events: [{ seq: 1, due_ns: 1.2e9 }] });
  say("sent", { n: 2, at_ns: 1.25e9 });
  say("answered", { n: 2, at_ns: 1.95e9, status: 200, events: [{ seq: 3, due_ns: 1.9e9 }] });
  say("sent", { n: 3, at_ns: 1.95e9 });
  say("answered", { n: 3, at_ns: 2.55e9, status: 204, events: [] });
  return data;
})()"""


def fed(page: Page, expression: str) -> Any:
    """Evaluate with `data`, a run of three events of which a long poll brought two."""
    script = f"""async (given) => {{
      const m = {{ ...(await import('/static/js/shared/run_data.js')),
        ...(await import('/static/js/shared/numbers.js')), ...(await import('/static/js/lanes/geometry.js')) }};
      const data = {FED};
      return {expression};
    }}"""
    return page.evaluate(script, {"run": RUN})


def test_numbers_of_a_known_run(page: Page) -> None:
    numbers = fed(page, "m.laneNumbers(data, 'long_poll')")
    assert (numbers["requests"], numbers["delivered"], numbers["missed"]) == (3, 2, 1)
    assert numbers["empty_ratio"] == pytest.approx(1 / 3)
    assert numbers["requests_per_event"] == 1.5
    assert (numbers["p50_ms"], numbers["max_ms"]) == (50, 50)
    assert fed(page, "m.laneNumbers(data, 'websocket').p50_ms") is None


def test_numbers_at_an_earlier_moment(page: Page) -> None:
    numbers = fed(page, "m.laneNumbers(data, 'long_poll', 1.5e9)")
    assert (numbers["requests"], numbers["delivered"], numbers["missed"], numbers["empty_ratio"]) == (2, 1, 0, 0)


def test_what_is_not_here_is_missed_only_when_it_cannot_come_any_more(page: Page) -> None:
    assert fed(page, "m.missedSeqs(data, 'long_poll')") == [2]
    assert fed(page, "m.missedSeqs(data, 'websocket')") == []
    assert fed(page, "(data.ended = true, m.missedSeqs(data, 'websocket'))") == [1, 2, 3]


def test_shapes_of_a_known_run(page: Page) -> None:
    shapes = fed(page, "m.laneShapes(data, 'long_poll', 0, 3e9)")
    assert [(line["kind"], line["from_ns"], line["to_ns"]) for line in shapes["lines"]] == [
        ("request", 1e9, 1.05e9), ("answer", 1.2e9, 1.25e9), ("request", 1.25e9, 1.3e9),
        ("answer", 1.9e9, 1.95e9), ("request", 1.95e9, 2e9), ("empty", 2.5e9, 2.55e9),
    ]  # fmt: skip
    assert [(bar["from_ns"], bar["to_ns"]) for bar in shapes["bars"]] == [(1.05e9, 1.2e9), (1.3e9, 1.9e9), (2e9, 2.5e9)]
    assert [(gap["answered_ns"], gap["arrived_ns"]) for gap in shapes["gaps"]] == [
        (1.2e9, 1.3e9), (1.9e9, 2e9), (2.5e9, 3e9),
    ]  # fmt: skip
    assert [mark["kind"] for mark in shapes["marks"]] == ["delivery", "delivery", "empty"]
    assert [event["seq"] for event in shapes["missed"]] == [2]


WAITED = """(() => {
  const data = new m.RunData(given.run);
  const row = (arrived, answered) => [arrived, answered, answered === null ? null : 204, []];
  const told = (requests) => ({ requests, written: [], up_bytes: 0, down_bytes: 0, payload_bytes: 0 });
  const tick = (now_ns, requests) => data.addTick({ now_ns, published: [], lanes: Object.fromEntries(
    Object.keys(data.lanes).map((transport) => [transport, told(requests[transport] ?? [])])) });
  const say = (kind, rest) => data.addTraffic({ kind, transport: "long_poll", run: 1, ...rest });
  tick(-1, {});
  say("sent", { n: 1, at_ns: 0 });
  if (given.isReached) tick(1e9, { long_poll: [[1, ...row(0.05e9, 0.5e9)]], websocket: [[1, 0.1e9, 0.1e9, 101, []]] });
  say("answered", { n: 1, at_ns: 0.55e9, status: 204, events: [] });
  say("sent", { n: 2, at_ns: 0.55e9 });
  tick(given.now_ns, given.arrived_ns === null ? {} : { long_poll: [[2, ...row(given.arrived_ns, null)]] });
  if (given.ends) data.end();
  const { waits, gaps, lines } = m.laneShapes(data, "long_poll", 0, given.now_ns);
  return { waits, gaps: gaps.map(({ sent_ns, arrived_ns }) => [sent_ns, arrived_ns]),
    sent: lines.filter(({ kind }) => kind === "request").map(({ from_ns }) => from_ns),
    isWaiting: data.isWaiting("long_poll") };
})()"""


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        # A request on its way, and one that has been so for too long.
        ({"now_ns": 1e9}, ([], [[0.55e9, 1e9]], [0, 0.55e9], False)),
        ({"now_ns": 4e9}, ([[0.55e9, 4e9]], [[0.55e9, 0.55e9]], [0], True)),
        # At last it has arrived, and left a transit before.
        ({"now_ns": 6e9, "arrived_ns": 5e9}, ([[0.55e9, 4.95e9]], [[0.55e9, 0.55e9]], [0, 4.95e9], False)),
        # The run is over before there was a connection.
        ({"now_ns": 12e9, "ends": True}, ([[0.55e9, 12e9]], [[0.55e9, 0.55e9]], [0], False)),
        # No lane reaches the server: that is another trouble.
        ({"now_ns": 4e9, "isReached": False}, ([], [], [0, 0.55e9], False)),
    ],
)
def test_a_request_that_waits_for_a_connection_is_neither_on_its_way_nor_a_gap(
    page: Page, given: dict[str, Any], shown: tuple[Any, ...]
) -> None:
    script = f"""async (given) => {{
      const m = {{ ...(await import('/static/js/shared/run_data.js')),
        ...(await import('/static/js/lanes/geometry.js')) }};
      return {WAITED};
    }}"""
    found = page.evaluate(script, {"run": RUN, "arrived_ns": None, "ends": False, "isReached": True} | given)
    waits = [[wait["from_ns"], wait["to_ns"]] for wait in found["waits"]]
    assert (waits, found["gaps"], found["sent"], found["isWaiting"]) == shown


DRAWN = """(() => {
  const calls = [];
  let lines = 0;
  let thick = 0;
  const count = (name) => {
    if (name === "beginPath") lines = 0;
    if (name === "moveTo") lines += 1;
    if (name === "stroke" && context.lineWidth > 1) thick = Math.max(thick, lines);
  };
  const context = new Proxy({ measureText: (text) => ({ width: 9 * String(text).length }) }, {
    get: (known, name) => known[name] ?? ((...given) => calls.push([name, ...given]) && count(name)),
    set: (known, name, value) => ((known[name] = value), true),
  });
  const palette = new Proxy({}, { get: () => "#000" });
  const place = canvas.layout(given.width, 400);
  const data = busiest.busiestRun();
  if (given.counts_from_s !== null) data.counts_from_ns = given.counts_from_s * 1e9;
  const view = { datas: [data], from_ns: 0, to_ns: given.seconds * 1e9, hiddenSince: null };
  canvas.drawLanes(context, place, view, palette, "serif");
  return { calls, thick, lanes: place.lanes, truth: place.truth };
})()"""


def drawn(page: Page, seconds: float, width: int = 1500, counts_from_s: float | None = None) -> dict[str, Any]:
    """The calls by which a canvas is told to draw so many seconds of a hundred events a second."""
    script = f"""async (given) => {{
      const canvas = await import('/static/js/lanes/canvas.js');
      const busiest = await import('/static/js/lanes/busiest.js');
      return {DRAWN};
    }}"""
    given = {"seconds": seconds, "width": width, "counts_from_s": counts_from_s}
    calls: dict[str, Any] = page.evaluate(script, given)
    return calls


def texts_of(found: dict[str, Any]) -> list[tuple[str, float, float]]:
    """Return the texts that were drawn, with their places; a character is nine pixels wide."""
    return [(text, x, y) for name, *given in found["calls"] if name == "fillText" for text, x, y in [given]]


def test_the_busiest_picture_takes_little(page: Page) -> None:
    """What cannot be told apart is not drawn, and only thin lines share a path: the time of a frame is theirs.

    There are 4000 deliveries in it. Thick lines that overlap in one path would take the square of their number.
    """
    names = [name for name, *_ in drawn(page, 10)["calls"]]
    assert sum(name in {"stroke", "fill", "fillRect"} for name in names) < 2500
    assert drawn(page, 10)["thick"] <= 1


@pytest.mark.parametrize("width", [280, 1500])
@pytest.mark.parametrize("seconds", [0.5, 2, 10])
def test_labels_that_would_collide_are_thinned(page: Page, seconds: float, width: int) -> None:
    found = drawn(page, seconds, width)
    texts = texts_of(found)
    lines: dict[float, list[tuple[float, float]]] = {}
    for text, x, y in texts:
        if text[0].isdigit() or text[0] == "×":
            left = x - 9 * len(text) / 2 if text.endswith(" s") else x
            lines.setdefault(round(y), []).append((left, left + 9 * len(text)))
    assert len(lines) >= 3, "numbers of events, of events in an answer, and of seconds"
    for spans in lines.values():
        ordered = sorted(spans)
        assert all(one[1] <= other[0] for one, other in pairwise(ordered))
    numbers = [text for text, _, y in texts if found["truth"]["top"] < y < found["truth"]["bottom"] and text.isdigit()]
    assert (5 if width > 1000 else 0) < len(numbers) <= 60


def test_a_run_that_was_entered_late_has_both_its_labels(page: Page) -> None:
    texts = texts_of(drawn(page, 2, counts_from_s=0.6))
    (run,) = [(x, y) for text, x, y in texts if text == "run 0"]
    (excluded,) = [(x, y) for text, x, y in texts if text == "not timed"]
    assert excluded[1] == run[1]
    assert excluded[0] > run[0] + 9 * len("run 0")


def test_a_snapshot_brings_back_the_same_run(page: Page) -> None:
    once = fed(page, "data.snapshot()")
    again = fed(page, "m.RunData.restore(JSON.parse(JSON.stringify(data.snapshot()))).snapshot()")
    assert again == once
    assert len(once["lanes"]["long_poll"]["requests"]) == 3


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("{}", "This is no recorded run."),
        ("{...data.snapshot(), version: 99}", "This recording has version 99; this page knows 1."),
    ],
)
def test_what_is_no_recording_is_refused_in_a_sentence(page: Page, given: str, told: str) -> None:
    attempt = f"(() => {{ try {{ m.RunData.restore({given}); }} catch (error) {{ return error.message; }} }})()"
    assert fed(page, attempt) == told


def test_the_teachers_key_leaves_the_address(page: Page) -> None:
    script = """async () => {
      const m = await import('/static/js/page/url_state.js');
      const kept = new Map();
      const storage = { setItem: (k, v) => kept.set(k, v), getItem: (k) => kept.get(k) ?? null };
      let address = null;
      const history = { state: null, replaceState: (_, __, url) => (address = url) };
      const location = { search: "?key=abc&rate_per_s=2", pathname: "/", hash: "#class" };
      const key = m.teacherKeyOfUrl(location, history, storage);
      return [key, address, m.teacherKeyOfUrl({ search: "", pathname: "/", hash: "" }, history, storage)];
    }"""
    assert page.evaluate(script) == ["abc", "/?rate_per_s=2#class", "abc"]
