"""Text without control characters. Imports no Rich: servers, which are started for each trial, would load it too."""

from __future__ import annotations

import re
import sys

_CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 except tab and line feed, DEL, C1
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # bidirectional controls
    "\u2028\u2029\ud800-\udfff]"  # line and paragraph separators, lone surrogates
)


def plain(text: str) -> str:
    r"""Return the text with every control character but tab and line feed as an escape sequence, such as `\x1b`."""
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


def print_error(sentence: object, program: str = "error") -> None:
    """Print one sentence to stderr, on one line, prefixed with the name of the program that it comes from."""
    print(plain(f"{program}: {sentence}").replace("\n", r"\n"), file=sys.stderr)
