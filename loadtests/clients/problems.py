"""Sentences about what went wrong in a trial, for its record: each once, and a limited number of them."""

from __future__ import annotations

from collections.abc import Iterator

_MOST_SENTENCES = 12
_SHOWN_BYTES = 80


class Problems:
    """Distinct sentences in the order in which they were added; beyond the first few, they are only counted.

    A sentence describes a kind of failure (method, path, status) and names no client or cursor, so that ten thousand
    clients that fail in the same way are one sentence. One example shows the bytes that differ among them.
    """

    def __init__(self) -> None:
        self._sentences: dict[str, bytes] = {}
        self._further = 0

    def add(self, sentence: str, example: bytes = b"") -> None:
        """Record a sentence, with the first bytes of `example`, unless it is recorded already."""
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
    """Return the first bytes of `data` as text in quotes, with unprintable characters escaped."""
    text = repr(data[:_SHOWN_BYTES].decode("utf-8", "backslashreplace"))
    return f"{text}…" if len(data) > _SHOWN_BYTES else text
