"""Text as it is in Markdown (CommonMark with GitHub's tables, links and formulas): none of it becomes markup."""

from __future__ import annotations

import re

from markupsafe import Markup

_SPACE = re.compile(r"\s+")
_MARKUP = re.compile(
    r"[\\`*|$]"  # escapes, code, emphasis, cells, formulas
    r"|(?<![^\W_])_|_(?![^\W_])"  # emphasis; an underscore within a word is none
    r"|~(?=~)"
    r"|<(?=[A-Za-z/!?])"  # HTML and links
    r"|&(?=#?\w+;)"
    r"|\](?=[(\[:])"
    r"|:(?=//)|(?<=www)\.|@"  # links without brackets
    r"|^(?:[#>]|[-+=](?=[\s\-+=]|$))"  # headings, quotations, lists, lines
)
_NUMBERED = re.compile(r"^(\d{1,9})(?=[.)](?:\s|$))")


def markdown_text(text: str) -> str:
    """Return what shows as `text` on one line."""
    on_one_line = _SPACE.sub(" ", text).strip()
    return _NUMBERED.sub(r"\1\\", _MARKUP.sub(r"\\\g<0>", on_one_line))


def finalize(value: object) -> object:
    """What a template of Markdown writes for a value: `Markup` as it is, everything else as text."""
    return value if isinstance(value, Markup) else markdown_text(str(value))


def fence_of(code: str) -> Markup:
    """The fence around a block of code that nothing in it ends."""
    longest = max((len(run) for run in re.findall("`+", code)), default=0)
    return Markup("`" * max(3, longest + 1))
