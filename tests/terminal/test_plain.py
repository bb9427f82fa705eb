"""No character of a text steers the terminal, and none is lost."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from terminal.plain import plain, print_error


@given(st.text(st.characters(codec=None)))
@example("\x1b[2J\x1b]0;title\x07")
@example("a\rb\x08\x7f\x9b31m\u2028\u202e\ud800")
def test_a_plain_text_has_no_control_characters_but_tabs_and_line_feeds(text: str) -> None:
    shown = plain(text)
    assert not {unicodedata.category(c) for c in shown if c not in "\t\n"} & {"Cc", "Cs", "Zl", "Zp"}
    assert not {unicodedata.bidirectional(c) for c in shown} & {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "PDI"}
    shown.encode("utf-8")


@given(st.text(st.characters(exclude_categories=("Cc", "Cf", "Cs", "Zl", "Zp"), include_characters="\t\n")))
@example("compare [/poll/long] with [/ws] :warning: µs → 猫")
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert plain(text) == text


def test_what_is_not_shown_is_named() -> None:
    assert plain("a\x1b[31mb\r\u202ec") == r"a\x1b[31mb\r\u202ec"


def test_an_error_is_one_plain_line_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    print_error("host '\x1b[2J' [/x]\n# b", "servers")
    assert capsys.readouterr().err == "servers: host '\\x1b[2J' [/x]\\n# b\n"
