"""The four screens: what the reader of each lane sees at the moment that is shown."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.classroom.conftest import RunningClassroom
from tests.classroom.page_driving import TRANSPORTS, module, open_page, snapshot, wait_for_end, wait_until_shown

pytestmark = pytest.mark.takes_s(15)


def screen(page: Page, transport: str | None) -> Any:
    place = f'.lane-screen[data-transport="{transport}"]' if transport else ".lane-screen:not([data-transport])"
    return page.locator(place)


def newest(rows: list[dict[str, Any]], field: str, until_ns: float) -> int:
    return max((row["seq"] for row in rows if row[field] is not None and row[field] <= until_ns), default=0)


def text_of(page: Page, kind: str, seq: int, seed: int) -> str:
    given = {"kind": kind, "seq": seq, "seed": seed}
    text: str = module(page, "page/watch/screens.js", "m.screenText(given.kind, given.seq, given.seed)", given)
    return text


def test_each_screen_shows_what_has_come_over_its_lane(page: Page, classroom: RunningClassroom) -> None:
    open_page(page, classroom)
    run = classroom.start_run(rate_per_s=1.0, arrival="periodic", poll_interval_s=0.7, duration_s=6.0, seed=4)
    wait_for_end(page, run["id"])
    for transport in TRANSPORTS:
        wait_until_shown(page, transport, "delivered", 6)
    for kind in ("chat", "price", "score"):
        page.locator("#screens-select").select_option(kind)
        for place in (None, *TRANSPORTS):
            expect(screen(page, place)).to_have_text(text_of(page, kind, 6, run["seed"]))
            expect(screen(page, place)).to_have_attribute("data-behind", "false")

    # A moment at which the channel has the newest event and the short poll has not asked yet.
    data = snapshot(page)
    published = list(data["published"])
    lanes = {transport: data["lanes"][transport]["deliveries"] for transport in TRANSPORTS}
    moments = []
    for tenth in range(1, 60):
        at_ns = run["t0_ns"] + tenth * 1e8
        seqs = {transport: newest(rows, "received_ns", at_ns) for transport, rows in lanes.items()}
        if seqs["short_poll"] < seqs["websocket"] == newest(published, "published_ns", at_ns):
            moments.append((tenth, seqs))
    tenth, seqs = moments[len(moments) // 2]
    page.locator("#screens-select").select_option("price")
    page.get_by_label("Moment of the run").fill(str(tenth / 10))
    for transport, seq in seqs.items():
        expect(screen(page, transport)).to_have_text(text_of(page, "price", seq, run["seed"]))
    expect(screen(page, "websocket")).to_have_attribute("data-behind", "false")
    expect(screen(page, "short_poll")).to_have_attribute("data-behind", "true")


def test_an_event_shows_the_same_on_every_screen_and_another_in_another_run(empty_page: Page) -> None:
    for kind in ("chat", "price", "score"):
        seen = [text_of(empty_page, kind, seq, 7) for seq in range(1, 40)]
        assert seen == [text_of(empty_page, kind, seq, 7) for seq in range(1, 40)]
        assert seen != [text_of(empty_page, kind, seq, 8) for seq in range(1, 40)]
        assert len(set(seen)) > 10
    assert text_of(empty_page, "score", 0, 7) == "–"
