"""The script of a page sorts its tables and copies them as CSV, in a real browser; without it nothing is missing."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from markupsafe import Markup
from playwright.sync_api import Browser, Page, expect

from analysis.report.inline_charts import DrawnChart
from analysis.report.page import TEMPLATES, render_html
from analysis.report.tables import Cell, Table

pytestmark = pytest.mark.takes_s(5)

TABLE = Table(
    "A table",
    ("Transport", "p50 ms", "bytes, all", "note"),
    (
        (Cell("Short poll", "INVALID"), Cell("1,025", "[1,000, 1,050]"), Cell("12.5 %"), Cell("=SUM(A1)")),
        (Cell("WebSocket"), Cell("25.4", "[25.3, 25.5]"), Cell("−3"), Cell('say "hello", then\nleave')),
        (Cell("SSE"), Cell("—"), Cell("9.1"), Cell("+5 ms")),
        (Cell("<img src=x onerror=alert(1)>"), Cell("300"), Cell("0"), Cell("@here")),
    ),
)
CHART = DrawnChart(
    "one", "A chart", "Its caption.", Markup('<svg width="518pt" height="300pt" viewBox="0 0 518 300"/>')
)
RECORDED = "navigator.clipboard.writeText = async (text) => { window.copied = text; }"


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with one table and one chart, as every page has them."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "one.html.j2").write_text(
        '{% extends "page.html.j2" %}{% from "parts.html.j2" import show, show_table %}'
        "{% block body %}{{ show_table(table) }}{{ show([chart]) }}{% endblock %}"
    )
    path = folder / "one.html"
    path.write_text(
        render_html(folder, "one.html.j2", {"title": "One", "table": TABLE, "chart": CHART}, ()), encoding="utf-8"
    )
    assert (TEMPLATES / "tables.js").read_text(encoding="utf-8") in path.read_text(encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def page(browser: Browser, file: Path) -> Iterator[Page]:
    errors: list[str] = []
    with browser.new_context() as context:
        context.add_init_script(RECORDED)
        opened = context.new_page()
        opened.on("pageerror", lambda error: errors.append(str(error)))
        opened.on("console", lambda message: errors.append(message.text))
        opened.goto(file.as_uri())
        yield opened
    assert errors == []


def names(page: Page) -> list[str]:
    script = "cells => cells.map(cell => cell.firstChild.textContent.trim())"
    shown: list[str] = page.locator("tbody tr th").evaluate_all(script)
    return shown


def test_a_column_is_sorted_by_its_numbers_and_what_was_not_measured_comes_last(page: Page) -> None:
    original = names(page)
    head = page.locator("thead th").nth(1)
    orders = (
        ("ascending", ["WebSocket", original[3], "Short poll", "SSE"]),
        ("descending", ["Short poll", original[3], "WebSocket", "SSE"]),
        ("none", original),
    )
    for order, expected in orders:
        page.get_by_role("button", name="Sort by p50 ms").click()
        expect(head).to_have_attribute("aria-sort", order)
        assert names(page) == expected


def test_names_are_sorted_as_words(page: Page) -> None:
    page.get_by_role("button", name="Sort by Transport").click()
    assert names(page)[1:] == ["Short poll", "SSE", "WebSocket"]
    page.get_by_role("button", name="Sort by Transport").click()
    page.get_by_role("button", name="Sort by Transport").click()


def test_a_copy_is_csv_with_plain_numbers_and_no_formula(page: Page) -> None:
    button = page.locator("button.copy")
    button.click()
    expect(button).to_have_text("Copied")
    rows = list(csv.reader(io.StringIO(page.evaluate("copied"))))
    assert rows == [
        [
            "Transport", "Transport: interval or remark", "p50 ms", "p50 ms: interval or remark", "bytes, all", "note",
        ],
        ["Short poll", "INVALID", "1025", "[1,000, 1,050]", "12.5 %", "'=SUM(A1)"],
        ["WebSocket", "", "25.4", "[25.3, 25.5]", "-3", 'say "hello", then leave'],
        ["SSE", "", "", "", "9.1", "5 ms"],
        ["<img src=x onerror=alert(1)>", "", "300", "", "0", "'@here"],
    ]  # fmt: skip


def test_a_phone_shows_whole_charts_and_the_names_of_rows_beside_each_column(page: Page) -> None:
    desktop = page.viewport_size
    assert desktop is not None
    page.set_viewport_size({"width": 390, "height": 800})
    try:
        width, shown = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        assert width == shown, "the page itself does not scroll sideways"
        chart = page.locator("svg").bounding_box()
        assert chart is not None
        assert (chart["x"], chart["width"]) == (0, shown)
        scrolled = page.locator(".scroll").evaluate(
            "box => { box.scrollLeft = box.scrollWidth; return [box.scrollLeft, box.getBoundingClientRect().x]; }"
        )
        name = page.locator("tbody th").first.bounding_box()
        assert name is not None
        assert scrolled[0] > 0
        assert name["x"] == scrolled[1]
    finally:
        page.set_viewport_size(desktop)


def test_without_scripts_the_table_is_whole_and_has_no_button(browser: Browser, file: Path) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(file.as_uri())
        expect(page.locator("tbody tr")).to_have_count(4)
        expect(page.locator("button")).to_have_count(0)


def test_a_page_lets_no_other_script_run_and_fetches_nothing(browser: Browser, file: Path, tmp_path: Path) -> None:
    text = file.read_text(encoding="utf-8")
    hostile = "<script>window.ran = 1</script><img src='http://127.0.0.1:9/x.png' onerror='window.ran = 1'>"
    changed = tmp_path / "changed.html"
    changed.write_text(text.replace("<script>", f"{hostile}<script>", 1), encoding="utf-8")
    with browser.new_context() as context:
        page = context.new_page()
        asked: list[str] = []
        page.on("requestfinished", lambda request: asked.append(request.url))
        page.goto(changed.as_uri())
        expect(page.locator("button.copy")).to_have_count(1)
        assert page.evaluate("window.ran") is None
        assert asked == [changed.as_uri()]
