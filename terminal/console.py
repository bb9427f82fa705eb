"""Rich's console for plain texts: progress bars, tables and styles, but no markup."""

from __future__ import annotations

from typing import IO

from rich.console import Console, HighlighterType, JustifyMethod, OverflowMethod
from rich.style import Style
from rich.text import Text

from terminal.plain import plain


class PlainConsole(Console):
    """Prints every text, table cell and title as it stands; a style is given beside a text, never in it."""

    def __init__(self, *, stderr: bool = False, width: int | None = None, file: IO[str] | None = None) -> None:
        super().__init__(stderr=stderr, width=width, file=file, markup=False, emoji=False, highlight=False)

    def render_str(
        self,
        text: str,
        *,
        style: str | Style = "",
        justify: JustifyMethod | None = None,
        overflow: OverflowMethod | None = None,
        emoji: bool | None = None,
        markup: bool | None = None,
        highlight: bool | None = None,
        highlighter: HighlighterType | None = None,
    ) -> Text:
        """Make a text of any string that Rich is about to print; what a caller asks for beyond a style is ignored."""
        return Text(plain(text), style=style, justify=justify, overflow=overflow)

    def print_sentence(self, sentence: str, *, style: str | None = None, end: str = "\n") -> None:
        """Print a sentence that the terminal folds where it must: paths in it can be copied whole."""
        self.print(sentence, style=style, end=end, soft_wrap=True)
