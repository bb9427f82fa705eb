"""Rich's console for plain text: progress bars, tables and styles, but no markup."""

from __future__ import annotations

from typing import IO

from rich.console import Console, HighlighterType, JustifyMethod, OverflowMethod
from rich.style import Style
from rich.text import Text

from terminal.plain import plain


class PlainConsole(Console):
    """Prints every text, table cell and title literally; a style is an argument beside the text, never part of it."""

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
        """Return the string as Rich is to print it: literally; requests for markup, emoji or highlights are ignored."""
        return Text(plain(text), style=style, justify=justify, overflow=overflow)

    def print_sentence(self, sentence: str, *, style: str | None = None, end: str = "\n") -> None:
        """Print a sentence and leave line breaks to the terminal, so that a path in it can be copied whole."""
        self.print(sentence, style=style, end=end, soft_wrap=True)
