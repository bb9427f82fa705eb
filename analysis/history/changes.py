"""What is new in a run, compared with the run before it of the same scenario on the same machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from analysis.history.runs import Checkout, ListedRun
from terminal.plain import plain

_MOST = 4
_CHARACTERS = 60


def changes_since(earlier: ListedRun, run: ListedRun) -> list[str]:
    """Return a phrase per difference in code, versions, settings and machine; beyond a few, only their number."""
    ours, theirs = run.info, earlier.info
    found = [
        *_code(theirs.checkout, ours.checkout),
        *_differences(theirs.versions, ours.versions),
        *_differences(theirs.settings, ours.settings),
        *_differences(theirs.machine, ours.machine),
    ]
    return found if len(found) <= _MOST else [*found[: _MOST - 1], f"{len(found) - _MOST + 1} more"]


def commit(checkout: Checkout | None) -> str:
    """Return a short commit, with a + if the code had uncommitted changes; empty if it is not known."""
    return "" if checkout is None else plain(checkout.commit)[:10] + ("" if checkout.clean else "+")


def _code(earlier: Checkout | None, checkout: Checkout | None) -> Iterator[str]:
    if commit(earlier) != commit(checkout):
        yield f"commit {commit(earlier) or 'unknown'} → {commit(checkout) or 'unknown'}"


def _differences(earlier: Mapping[str, Any], later: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted(earlier.keys() | later.keys()):
        before, after = earlier.get(name), later.get(name)
        if before != after:
            yield f"{_short(name)} {_short(before)} → {_short(after)}"


def _short(value: object) -> str:
    text = "none" if value is None else plain(str(value)).replace("\n", " ")
    return text if len(text) <= _CHARACTERS else f"{text[:_CHARACTERS]}…"
