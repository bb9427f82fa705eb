"""Escaping of text for Markdown (CommonMark with GitHub's tables, links and formulas)."""

from __future__ import annotations

import re

from markupsafe import Markup

_SPACE = re.compile(r"\s+")
_MARKUP = re.compile(
    r"[\\`*|$]"  # escapes, code, emphasis, cells, formulas
    r"|(?<![^\W_])_|_(?![^\W_])"  # emphasis; an underscore within a word does not mark it
    r"|~(?=~)"
    r"|<(?=[A-Za-z/!?])"  # HTML and links
    r"|&(?=#?\w+;)"
    r"|\](?=[(\[:])"
    r"|:(?=//)|(?<=www)\.|@"  # links without brackets
    r"|^(?:[#>]|[-+=](?=[\s\-+=]|$))"  # headings, quotations, lists, lines
)
_NUMBERED = re.compile(r"^(\d{1,9})(?=[.)](?:\s|$))")


def markdown_text(text: str) -> str:
    """Return Markdown that renders as `text`, on one line."""
    on_one_line = _SPACE.sub(" ", text).strip()
    return _NUMBERED.sub(r"\1\\", _MARKUP.sub(r"\\\g<0>", on_one_line))


def finalize(value: object) -> object:
    """Return what a Markdown template writes for a value: `Markup` unchanged, everything else escaped."""
    return value if isinstance(value, Markup) else markdown_text(str(value))


def fence_of(code: str) -> Markup:
    """Return a fence for a block of code, longer than any run of backticks in it."""
    longest = max((len(run) for run in re.findall("`+", code)), default=0)
    return Markup("`" * max(3, longest + 1))
