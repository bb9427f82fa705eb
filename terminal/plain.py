"""Texts without control characters; without Rich, which servers, started for each trial, do not load."""

from __future__ import annotations

import re
import sys

_CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 but tab and line feed, DEL, C1
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # marks that turn the direction of writing
    "\u2028\u2029\ud800-\udfff]"  # separators of lines and paragraphs, halves of surrogate pairs
)


def plain(text: str) -> str:
    r"""Return the text with every control character written out, as \x1b; tabs and line feeds stay."""
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


def print_error(sentence: object, program: str = "error") -> None:
    """Print one sentence on stderr, behind the name of the program that it comes from."""
    print(plain(f"{program}: {sentence}"), file=sys.stderr)
