"""Ids of a page are readable, the same in every run, and each given once; texts in Markdown render as they are."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import Mock

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jinja2 import Environment
from jinja2.compiler import CodeGenerator
from markdown_it import MarkdownIt

from analysis.report.page import PageIds, fence_of, markdown_text, render_markdown, slug


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("server CPU µs per event", "server-cpu-us-per-event"),
        ("p99.9 ms", "p99.9-ms"),
        ("point-short_poll-poll_interval_s-0.1", "point-short_poll-poll_interval_s-0.1"),
        ('"><script>', "script"),
    ],
)
def test_a_slug_is_safe_and_can_be_read(text: str, expected: str) -> None:
    assert slug(text) == expected


def test_a_heading_has_the_same_address_whatever_was_measured() -> None:
    for conditions in ("10 clients, 25 ms one way", "50 clients"):
        assert PageIds().of_heading(f"At the base point: {conditions}") == "at-the-base-point"


def test_headings_that_begin_alike_have_addresses_of_their_own() -> None:
    ids = PageIds()
    assert [ids.of_heading("Warnings") for _ in range(3)] == ["warnings", "warnings-2", "warnings-3"]


def test_of_several_places_the_first_has_the_address() -> None:
    ids = PageIds()
    assert [ids.first("point-sse"), ids.first("point-sse"), ids.first("point-websocket")] == [
        "point-sse", "", "point-websocket",
    ]  # fmt: skip


def test_a_template_is_compiled_once_and_again_when_it_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiler = Mock(side_effect=CodeGenerator)
    monkeypatch.setattr(Environment, "code_generator_class", compiler)
    template = tmp_path / "report.md.j2"
    for text, number, times in (("one {{ n }}", 1, 1), ("one {{ n }}", 2, 1), ("two {{ n }}", 3, 2)):
        template.write_text(text)
        assert render_markdown(tmp_path, template.name, {"n": number}) == f"{text[:3]} {number}"
        assert compiler.call_count == times


MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])
MARKUP = st.text("ab_ *`[]()<>!&;#~|$\\\\-+=1.:/\n\t@\"'", max_size=30)


def shown(markdown: str) -> str:
    """What a document of one paragraph of nothing but text shows; AssertionError where it is anything else."""
    tokens = MARKDOWN.parse(markdown)
    assert [token.type for token in tokens] in (["paragraph_open", "inline", "paragraph_close"], [])
    children = [child for token in tokens for child in token.children or ()]
    assert {child.type for child in children} <= {"text", "text_special"}, children
    return "".join(child.content for child in children)


@given(st.one_of(MARKUP, st.text(max_size=30)))
@example("[a](http://b) ![c](d) <script> <!-- &lt; **e** _f_ `g` ~~h~~ $i$")
@example("[a]: http://b")
@example("1. one")
@example("- item")
@example("---")
@example("    code")
@example("# heading")
@example("> quotation")
def test_any_text_is_shown_as_it_is_and_nothing_of_it_is_markup(text: str) -> None:
    if "\x00" not in text:  # which is U+FFFD in Markdown, and written out in what was read
        assert shown(markdown_text(text)) == " ".join(text.split())


@given(MARKUP, MARKUP)
def test_any_text_stays_in_its_cell(one: str, other: str) -> None:
    table = f"| a | b |\n| --- | --- |\n| x{markdown_text(one)} | x{markdown_text(other)} |\n"
    cells = [token for token in MARKDOWN.parse(table) if token.type == "inline"]
    shown_cells = ["".join(child.content for child in cell.children or ()) for cell in cells]
    assert shown_cells == [
        "a",
        "b",
        *(" ".join(f"x{markdown_text(cell)}".split()) and f"x{shown(markdown_text(cell))}" for cell in (one, other)),
    ]


def test_what_is_no_markup_is_left_as_it_is() -> None:
    for text in (
        "p50 25.1 ms [25.1, 25.3]",
        "one_way_delay_ms < 3",
        "100 % of 5 (−0.3)",
        "+0.03 ms (×1.00) [−0.04, +0.09]",
    ):
        assert markdown_text(text) == text


@given(st.text("`a\n", max_size=30))
def test_code_does_not_end_before_its_fence(code: str) -> None:
    fence = fence_of(code)
    [token] = MARKDOWN.parse(f"{fence}\n{code}\n{fence}\n")
    assert (token.type, token.content) == ("fence", f"{code}\n")
