"""Charts in a page are the same drawings as their files, and a fraction of their size."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from analysis.charts.bars import bytes_chart
from analysis.charts.canvas import Chart
from analysis.charts.hero import hero_chart
from analysis.charts.raw_records import Residuals
from analysis.charts.residuals import MOST_DOTS, residuals_chart
from analysis.charts.style import LIGHT, dark_counterparts
from analysis.report.inline_charts import InlineCharts
from tests.analysis import made_summary as made

RESULTS = made.results(made.standard(), made.BASE)
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
LETTER = "DejaVuSans"


def residuals(dots: int) -> Chart | None:
    random = np.random.default_rng(1)
    predicted_ms, residual_ms = random.uniform(25, 30, dots), random.normal(0, 2, dots)
    return residuals_chart([Residuals(style, predicted_ms, residual_ms) for style in RESULTS.transports])


@pytest.fixture(scope="module")
def drawings() -> list[tuple[str, str]]:
    """Of three charts, one with many dots: the file, and what a page has."""
    inline = InlineCharts(dark_counterparts(RESULTS.transports))
    charts = [hero_chart(RESULTS), bytes_chart(RESULTS), residuals(500)]
    files = [(chart, chart.svg()) for chart in charts if chart is not None]
    assert len(files) == 3
    return [(svg, str(inline.add(chart, svg).svg)) for chart, svg in files]


def page_of(drawings: list[tuple[str, str]]) -> str:
    return "".join(inlined for _, inlined in drawings)


def shapes(root: ET.Element) -> dict[str, str]:
    """The path of every shape that others refer to, by id; that of a blank is empty."""
    paths = [path for path in root.iter() if path.tag.endswith("path") and path.get("id")]
    return {path.attrib["id"]: path.get("d", "") for path in paths}


def drawn(root: ET.Element, known: dict[str, str]) -> Iterator[list[float]]:
    """The numbers of everything that is drawn, in its order: paths, and marks and letters with their places."""
    for element in root:
        name = element.tag.rpartition("}")[2]
        if name in ("defs", "metadata"):
            continue
        place = NUMBER.findall(" ".join(element.get("transform", "").partition(" scale")[:1]))
        if name == "use":
            reference = element.get("href") or element.get("{http://www.w3.org/1999/xlink}href") or ""
            own = [float(element.get(axis, "0")) for axis in "xy"]
            moved = [float(number) for number in place] or [0.0, 0.0]
            yield [a + b for a, b in zip(own, moved, strict=True)]
            yield [float(number) for number in NUMBER.findall(known[reference.removeprefix("#")])]
        elif name == "path":
            yield [float(number) for number in NUMBER.findall(element.attrib["d"])]
        elif place:
            yield [float(number) for number in place]
        yield from drawn(element, known)


def test_what_is_drawn_is_where_it_was(drawings: list[tuple[str, str]]) -> None:
    """To within a hundredth of a point, and in the same order."""
    known: dict[str, str] = {}
    for file, inlined in drawings:
        before, after = ET.fromstring(file), ET.fromstring(inlined)
        known |= shapes(after)
        expected, found = list(drawn(before, shapes(before))), list(drawn(after, known))
        assert len(found) == len(expected) > 100
        for one, other in zip(expected, found, strict=True):
            assert other == pytest.approx(one, abs=0.00501)


def test_every_reference_has_one_target_and_nothing_else_an_id(drawings: list[tuple[str, str]]) -> None:
    page = page_of(drawings)
    ids = re.findall(r'\bid="([^"]+)"', page)
    references = set(re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', page))
    assert len(ids) == len(set(ids))
    assert {one or other for one, other in references} == set(ids)


def test_the_shape_of_a_letter_is_stored_once(drawings: list[tuple[str, str]]) -> None:
    letters = {
        (own, path) for file, _ in drawings for own, path in shapes(ET.fromstring(file)).items() if LETTER in own
    }
    assert page_of(drawings).count('transform="scale(0.015625)"') == len({own for own, _ in letters})


def test_colours_are_the_pages_own(drawings: list[tuple[str, str]]) -> None:
    page = page_of(drawings)
    assert "var(--c" in page
    assert [colour for colour in LIGHT.colours() if colour in page] == []


def test_a_page_has_less_than_half_of_what_the_files_have(drawings: list[tuple[str, str]]) -> None:
    assert len(page_of(drawings)) < sum(len(file) for file, _ in drawings) / 2


def test_the_chart_with_the_most_dots_leaves_room_for_all_others() -> None:
    """A page of fewer than 1 MB holds it."""
    chart = residuals(MOST_DOTS)
    assert chart is not None
    inlined = InlineCharts(dark_counterparts(RESULTS.transports)).add(chart, chart.svg()).svg
    assert inlined.count("<use ") > MOST_DOTS
    assert len(inlined) < 300_000


def test_a_title_is_no_markup() -> None:
    chart = hero_chart(RESULTS)
    assert chart is not None
    hostile = Chart(chart.name, '"><script>alert(1)</script>', chart.caption, chart.figure)
    assert "<script" not in InlineCharts({}).add(hostile, "<svg></svg>").svg
