"""The picture of the lanes moves on without being drawn again, and is the same as one that is drawn as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.classroom.conftest import RunningClassroom, opened_page

pytestmark = pytest.mark.takes_s(15)

SIMULATION = Path(__file__).with_name("moving_picture.js")
SETTINGS: dict[str, Any] = {"rate_per_s": 5, "poll_interval_s": 1, "one_way_delay_ms": 50, "duration_s": 8}
TURNS = ("live", "held a while ago", "an event stands out", "hidden", "closer", "the first run alone")


@pytest.fixture(scope="module")
def page(context: BrowserContext, classroom: RunningClassroom) -> Iterator[Page]:
    """An empty page of the classroom's origin that has the simulation beside the classroom's scripts."""
    with opened_page(context) as opened:
        opened.route("**/empty", lambda route: route.fulfill(content_type="text/html", body="<!doctype html>"))
        opened.route("**/moving_picture.js", lambda route: route.fulfill(path=SIMULATION))
        opened.goto(f"{classroom.url}/empty")
        yield opened


def moved_on(page: Page, given: dict[str, Any]) -> dict[str, Any]:
    """Return how a picture that moved on differs from others of the same moments, and how much of it was drawn."""
    found: dict[str, Any] = page.evaluate(
        "async (given) => (await import('/moving_picture.js')).moveOn(given)", {"seed": 1, "density": 1, **given}
    )
    return found


@pytest.mark.parametrize(
    ("settings", "span_s", "density"),
    [
        ({}, 5, 1),
        ({"rate_per_s": 0.5, "poll_interval_s": 3}, 10, 1.25),
        ({"rate_per_s": 60, "poll_interval_s": 0.1, "duration_s": 6}, 5, 1),
        ({"one_way_delay_ms": 500}, 1, 1),
    ],
)
def test_a_picture_that_moves_on_is_the_one_drawn_as_a_whole(
    page: Page, settings: dict[str, Any], span_s: float, density: float
) -> None:
    """Messages are lost, late and out of order, a request waits for a connection, runs are changed and end."""
    found = moved_on(page, {"settings": SETTINGS | settings, "span_s": span_s, "density": density})
    assert {each["turn"] for each in found["frames"]} == set(TURNS)
    assert [each for each in found["frames"] if each["pixels"] > 0] == []
    assert [each for each in found["seams"] if each["pixels"] > 0] == []


def test_what_is_final_is_not_drawn_again(page: Page) -> None:
    settings = SETTINGS | {"rate_per_s": 20, "poll_interval_s": 0.2}
    found = moved_on(page, {"settings": settings, "span_s": 5, "turns": ["live"]})
    assert found["drawn_ratio"] < 0.6
