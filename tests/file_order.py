"""The order in which files of tests begin, so that the cores are neither idle nor fought for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

SHORT_S = 2.0
"""How long a file takes that does not say so, roughly: the mean of all of them."""


@dataclass(frozen=True)
class MarkedFile:
    """A file of tests, and what its marker says of it."""

    path: str
    takes_s: float = SHORT_S
    waits: bool = False
    """Whether it waits for most of that time, for what happens in real time, and uses less than half a core."""


def in_order_of_beginning(files: Sequence[MarkedFile]) -> list[MarkedFile]:
    """Return the files as they are to begin: of those that wait and of those that compute the longest first.

    Both kinds advance together: whenever a file begins, about the same share of each kind's time has begun before it.
    So some of both run side by side from the beginning to the end.
    """
    begun: list[tuple[float, MarkedFile]] = []
    for waits in (True, False):
        kind = sorted((file for file in files if file.waits is waits), key=lambda file: file.takes_s, reverse=True)
        total_s, before_s = sum(file.takes_s for file in kind), 0.0
        for file in kind:
            begun.append((before_s / total_s, file))
            before_s += file.takes_s
    return [file for _, file in sorted(begun, key=lambda pair: pair[0])]
