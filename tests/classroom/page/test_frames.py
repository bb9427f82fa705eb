"""The benchmark of the page's frames times those in which the lanes are drawn, and no others."""

from __future__ import annotations

import time

from playwright.sync_api import Browser, expect

from benchmarks.classroom_frames import NOTE_FRAMES, Frames, frame_times_ms
from tests.classroom.conftest import PATIENCE_S, RunningClassroom, opened_page
from tests.classroom.page_driving import open_page


def test_frames_are_timed_while_the_lanes_are_drawn(browser: Browser, classroom: RunningClassroom) -> None:
    with browser.new_context() as context, opened_page(context) as page:
        page.add_init_script(NOTE_FRAMES)
        open_page(page, classroom)
        deadline = time.monotonic() + PATIENCE_S
        while not (times_ms := frame_times_ms(page, 0.5)):
            assert time.monotonic() < deadline
        assert all(0 < ms < PATIENCE_S * 1000 for ms in times_ms)
        page.locator("#tab-class").click()
        expect(page.locator("#view-watch")).to_be_hidden()
        frame_times_ms(page, 0.1)  # one may have been under way
        assert frame_times_ms(page, 0.5) == []


def test_a_row_has_quantiles_of_the_frames_and_their_rate() -> None:
    frames = Frames(100.0, 4.0, times_ms=[float(ms) for ms in range(1, 101)], seconds=5.0, processor_s=3.0)
    assert frames.line() == "| 100 | 1/4 | 30.0 ms | 50.0 ms | 95.0 ms | 20 |"
