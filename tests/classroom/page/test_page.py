"""What the page shows of a run is what the server's own record says of it.

Delivered, missed, requests and bytes agree exactly. Times agree within the clock error that the page states, plus
RELAY_EARLY_MS: the time at which the page says it had an event must lie a transit after the server had it
to send, and, for a long poll, which asks again only when it has read, before its next request can have left.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from contract.quantiles import quantiles
from tests.classroom.conftest import RunningClassroom, opened_page
from tests.classroom.page_driving import (
    PATIENCE_MS,
    TRANSPORTS,
    open_page,
    shown,
    snapshot,
    wait_for_end,
    wait_until_shown,
)

pytestmark = pytest.mark.takes_s(20)

RELAY_EARLY_MS = 2.0
"""The loop that the relay's timers run on counts in whole milliseconds: it may pass a chunk on up to one early, each
way. Nothing else in this bound depends on how fast the machine is."""

SETTINGS: dict[str, Any] = {
    "rate_per_s": 5.0, "arrival": "poisson", "poll_interval_s": 0.5, "one_way_delay_ms": 40.0,
    "payload_bytes": 60, "duration_s": 6.0, "seed": 7,
}  # fmt: skip


@dataclass(frozen=True)
class Watched:
    """A run that a page has seen from its beginning to its end."""

    page: Page
    data: dict[str, Any]
    """What the page knows."""
    record: dict[str, Any]
    mine: dict[str, Any]
    """The record's part about this page."""
    uncertainty_ms: float
    """Of the page's clock, as the page states it for this run."""


@pytest.fixture(scope="module")
def watched(context: BrowserContext, classroom: RunningClassroom) -> Iterator[Watched]:
    with opened_page(context) as page:
        page.set_viewport_size({"width": 1280, "height": 900})
        yield watch_a_run(page, classroom)


def watch_a_run(page: Page, classroom: RunningClassroom) -> Watched:
    open_page(page, classroom)
    run = classroom.start_run(**SETTINGS)
    wait_for_end(page, run["id"])
    record = classroom.record_when_ended()
    mine = record["clients"][str(page.evaluate("() => window.classroom.client"))]
    for transport in TRANSPORTS:  # what is still on its way to the table when the run is over
        wait_until_shown(page, transport, "delivered", len(mine[transport]["delivered"]))
    data = snapshot(page)
    return Watched(page, data, record, mine, data["uncertainty_ms"])


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_delivered_and_missed_agree_with_the_record_exactly(watched: Watched, transport: str) -> None:
    published = {row[0] for row in watched.record["published"]}
    delivered = set(watched.mine[transport]["delivered"])
    assert len(published) > 10
    assert shown(watched.page, transport, "delivered") == len(delivered)
    assert shown(watched.page, transport, "missed") == len(published - delivered)
    received = {row["seq"] for row in watched.data["lanes"][transport]["deliveries"] if row["received_ns"] is not None}
    assert received == delivered


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_bytes_are_those_of_the_relay(watched: Watched, transport: str) -> None:
    mine = watched.mine[transport]
    assert shown(watched.page, transport, "payload_bytes") == mine["payload_bytes"] > 0
    header_bytes = shown(watched.page, transport, "header_bytes")
    assert header_bytes is not None
    assert header_bytes + mine["payload_bytes"] == mine["up_bytes"] + mine["down_bytes"]
    assert header_bytes > 0


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_requests_are_those_that_the_server_answered(watched: Watched, transport: str) -> None:
    mine = watched.mine[transport]
    assert shown(watched.page, transport, "requests") == mine["requests"]
    assert shown(watched.page, transport, "requests_per_event") == mine["requests"] / len(mine["delivered"])
    polls = transport.endswith("poll")
    assert shown(watched.page, transport, "empty_ratio") == (mine["empty"] / mine["requests"] if polls else None)


def test_a_channel_asks_once_and_a_poll_again_and_again(watched: Watched) -> None:
    assert shown(watched.page, "websocket", "requests") == shown(watched.page, "sse", "requests") == 1
    assert (shown(watched.page, "short_poll", "requests") or 0) > 10


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_no_event_is_here_before_it_can_be(watched: Watched, transport: str) -> None:
    # The server notes that it wrote an event when it is back from writing, so that note may be late: what it surely did
    # before are publishing the event and, for a poll, getting the request.
    arrived_ns = {n: arrived for n, arrived, *_ in watched.mine[transport]["requests_log"]}
    published = {seq: (due_ns, published_ns) for seq, due_ns, published_ns, _ in watched.record["published"]}
    for row in watched.data["lanes"][transport]["deliveries"]:
        due_ns, published_ns = published[row["seq"]]
        assert row["due_ns"] == due_ns
        left_ns = max(published_ns, arrived_ns[row["n"]] if row["n"] is not None else 0)
        transit_ms = (row["received_ns"] - left_ns) / 1e6
        assert transit_ms >= SETTINGS["one_way_delay_ms"] - watched.uncertainty_ms - RELAY_EARLY_MS


def test_a_long_polls_events_are_here_before_it_asks_again(watched: Watched) -> None:
    log = watched.mine["long_poll"]["requests_log"]
    arrived_ns = {n: arrived for n, arrived, *_ in log}
    carried = {seq: n for n, *_, seqs in log for seq in seqs}
    compared = 0
    for row in watched.data["lanes"]["long_poll"]["deliveries"]:
        next_ns = arrived_ns.get(carried[row["seq"]] + 1)
        if next_ns is None:
            continue
        slack_ms = (next_ns - row["received_ns"]) / 1e6 - SETTINGS["one_way_delay_ms"]
        assert slack_ms >= -watched.uncertainty_ms - RELAY_EARLY_MS
        compared += 1
    assert compared > 10


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_quantiles_are_those_of_the_harness(watched: Watched, transport: str) -> None:
    rows = watched.data["lanes"][transport]["deliveries"]
    latencies_ms = [(row["received_ns"] - row["due_ns"]) / 1e6 for row in rows]
    expected = quantiles(latencies_ms, [0.5, 0.95, 1.0])
    found = [shown(watched.page, transport, field) for field in ("p50_ms", "p95_ms", "max_ms")]
    assert found == pytest.approx(expected, abs=1e-6)


def test_all_lanes_fill(watched: Watched) -> None:
    """Somewhere in each lane's part of the picture is its colour, once it is drawn with the span asked for."""
    watched.page.locator("#span-select").select_option("30")
    found = watched.page.wait_for_function(
        """() => {
          const tiles = [...document.querySelectorAll("#lanes canvas")];
          const top = document.querySelector("#lanes").getBoundingClientRect().top;
          const style = getComputedStyle(document.documentElement);
          const counts = [...document.querySelectorAll(".lane[data-transport]")].map((lane) => {
            const box = lane.getBoundingClientRect();
            const area = (canvas) => [0, box.top - top, canvas.width, box.height];
            const pixels = tiles.flatMap((canvas) => [...canvas.getContext("2d").getImageData(...area(canvas)).data]);
            const hex = style.getPropertyValue(`--${lane.dataset.transport}`).trim();
            const colour = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
            let count = 0;
            for (let at = 0; at < pixels.length; at += 4) count += colour.every((part, i) => pixels[at + i] === part);
            return [lane.dataset.transport, count];
          });
          return counts.every(([, pixels]) => pixels > 100) ? counts.map(([transport]) => transport) : null;
        }""",
        timeout=PATIENCE_MS,
    )
    assert found.json_value() == list(TRANSPORTS)


def test_each_lane_has_its_median_and_its_requests_beside_it(watched: Watched) -> None:
    for transport in TRANSPORTS:
        requests = watched.mine[transport]["requests"]
        median = round(shown(watched.page, transport, "p50_ms") or 0)
        figure = watched.page.locator(f'.lane-label[data-transport="{transport}"] .lane-figure')
        expect(figure).to_have_text(re.compile(rf"^median {median} ms\s+{requests} requests?$"))


def test_one_word_for_one_thing(watched: Watched) -> None:
    """How old an event is when it arrives is its age; that others call it latency stands once where it is explained."""
    text = watched.page.locator("body").text_content() or ""
    assert re.findall(r"(?i)\bp\d\d\b", text) == []
    assert set(re.findall(r"(?i).{5}latency.", text)) == {"(its latency)"}
    assert "95 % within" in text


def test_the_clocks_uncertainty_is_shown(watched: Watched) -> None:
    stated = "|".join(re.escape(f"±{watched.uncertainty_ms:.{digits}f} ms") for digits in (1, 2))
    expect(watched.page.locator("#numbers-note")).to_have_text(re.compile(stated))


def test_every_picture_has_its_table(watched: Watched) -> None:
    watched.page.locator("#tables summary").click()
    watched.page.locator("#tables-body table").nth(1).wait_for()
    events, distribution = watched.page.locator("#tables-body table").all()
    rows = cell_texts(events, "th, td")
    seqs = sorted((row[0] for row in watched.record["published"]), reverse=True)
    assert [int(row[0]) for row in rows] == seqs[:30]
    by_seq = {row["seq"]: row for row in watched.data["lanes"]["short_poll"]["deliveries"]}
    newest = by_seq[seqs[0]]
    assert rows[0][-1] == f"{(newest['received_ns'] - newest['due_ns']) / 1e6:.1f} ms"
    counts = [[int(text) for text in row] for row in cell_texts(distribution, "td")]
    assert [sum(column) for column in zip(*counts, strict=True)] == [len(seqs)] * len(TRANSPORTS)


def cell_texts(table: Locator, cells: str) -> list[list[str]]:
    """Of each row of a table's body, read in one go."""
    texts: list[list[str]] = table.locator("tbody tr").evaluate_all(
        "(rows, cells) => rows.map((row) => [...row.querySelectorAll(cells)].map((cell) => cell.innerText))", cells
    )
    return texts
