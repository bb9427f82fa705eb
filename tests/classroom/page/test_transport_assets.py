"""What the page is served of the transports: one table for all programs, also for their scripts and style sheets."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page

from analysis.colours import dark_colour
from classroom.lanes.definitions import LANES
from tests.classroom.conftest import CHECKOUT, RunningClassroom

STATIC = CHECKOUT / "classroom/static"
LAYERS = {"shared": set(), "lanes": {"shared"}, "lesson": {"shared"}, "joining": {"shared", "lanes"}}
"""What each folder of the page's scripts may import besides itself; page/ imports all of them."""


@pytest.mark.parametrize(("theme", "colour_of"), [("light", lambda colour: colour), ("dark", dark_colour)])
def test_a_transport_has_the_colour_that_it_has_in_the_reports(page: Page, theme: str, colour_of: object) -> None:
    assert callable(colour_of)
    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]  # parametrized
    page.goto("/")
    for lane in LANES:
        shown = page.evaluate(
            "(name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`)", lane.transport
        )
        assert shown.strip().lower() == colour_of(lane.colour).lower()


def test_a_chosen_theme_outweighs_the_systems(page: Page) -> None:
    page.emulate_media(color_scheme="dark")
    page.goto("/")
    page.evaluate("() => (document.documentElement.dataset.theme = 'light')")
    colour = page.evaluate("() => getComputedStyle(document.documentElement).getPropertyValue('--websocket')")
    assert colour.strip() == LANES[0].colour


def test_no_script_or_style_sheet_has_a_table_of_its_own(classroom: RunningClassroom) -> None:
    served = classroom.request("GET", "/transports.css").text + classroom.request("GET", "/transports.js").text
    for path in [*(STATIC / "js").rglob("*.js"), *(STATIC / "css").rglob("*.css")]:
        text = path.read_text("utf-8").lower()
        for lane in LANES:
            assert lane.colour in served
            assert lane.colour.lower() not in text, path
            assert dark_colour(lane.colour).lower() not in text, path


def folder_of(path: Path) -> str:
    return path.relative_to(STATIC / "js").parts[0]


def test_scripts_import_only_what_lies_below_them() -> None:
    scripts = [path for path in (STATIC / "js").rglob("*.js") if folder_of(path) in LAYERS]
    assert {folder_of(path) for path in scripts} == set(LAYERS)
    for path in scripts:
        for given in re.findall(r'(?:from |import\()"(\.[^"]+)"', path.read_text("utf-8")):
            target = (path.parent / given).resolve()
            assert target.is_file(), f"{path} imports {given}"
            if target.is_relative_to(STATIC / "js"):
                assert folder_of(target) in LAYERS[folder_of(path)] | {folder_of(path)}, f"{path} imports {given}"
