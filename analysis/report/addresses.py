"""Addresses within a page: the ids of its headings, charts, points and figures."""

from __future__ import annotations

import re


def slug(text: str) -> str:
    """Return a text as a part of an address: small letters, digits, dots, underscores and hyphens."""
    return re.sub(r"[^a-z0-9._]+", "-", text.lower().replace("µ", "u")).strip("-")


class PageIds:
    """The ids that one page has given so far."""

    def __init__(self) -> None:
        self._given: set[str] = set()

    def first(self, own: str) -> str:
        """Return an id the first time it is asked for, and nothing later: of several places the first one has it."""
        if own in self._given:
            return ""
        self._given.add(own)
        return own

    def of_heading(self, title: str) -> str:
        """Return an id for a heading, from its title up to what changes from run to run; another one every time."""
        stem = slug(re.split(r"[:,(]", title)[0])
        number = 1
        while not (found := self.first(stem if number == 1 else f"{stem}-{number}")):
            number += 1
        return found
