"""Sentences about what went wrong in a trial, for its record: each once, and not without end."""

from __future__ import annotations

from collections.abc import Iterator

_MOST_SENTENCES = 12
_SHOWN_BYTES = 80


class Problems:
    """Distinct sentences in the order in which they were added; beyond the first few, further ones are only counted.

    A sentence names what a whole kind of failure has in common (method, path, status), and neither a client nor a
    cursor: ten thousand clients that fail alike are one sentence. What differs among them is shown by one example.
    """

    def __init__(self) -> None:
        self._sentences: dict[str, bytes] = {}
        self._further = 0

    def add(self, sentence: str, example: bytes = b"") -> None:
        """Note one sentence; where it is new, with the first bytes of what it is about."""
        if sentence in self._sentences:
            return
        if len(self._sentences) < _MOST_SENTENCES:
            self._sentences[sentence] = example[: _SHOWN_BYTES + 1]
        else:
            self._further += 1

    def __iter__(self) -> Iterator[str]:
        for sentence, example in self._sentences.items():
            yield f"{sentence}: {excerpt(example)}" if example else sentence
        if self._further:
            yield f"{self._further} further problems, of other kinds than these {_MOST_SENTENCES}, are not listed"


def excerpt(data: bytes) -> str:
    """The first bytes of `data` as text in quotes, what cannot be printed escaped."""
    text = repr(data[:_SHOWN_BYTES].decode("utf-8", "backslashreplace"))
    return f"{text}…" if len(data) > _SHOWN_BYTES else text
