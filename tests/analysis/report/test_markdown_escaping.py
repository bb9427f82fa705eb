from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from analysis.report.markdown_escaping import fence_of, markdown_text

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
