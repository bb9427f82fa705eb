"""Why a run is INVALID, in a few sentences: a disturbed machine gives the same reason for many trials.

Reasons are of one kind if they state the same with other figures, whichever trial they are about.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from terminal.wording import plural

MOST_KINDS = 4
"""How many kinds of reasons are stated, with that of the headline."""
WHERE_ALL_ARE = "Points that are not valid"
"""The part of the report that lists every reason."""
_TRIAL = re.compile(r"^.*?\btrial \S+: ")
"""The point and the trial that a reason is about."""
_FIGURE = re.compile(r"\d[\d.,]*")


def headline_reason(reasons: Sequence[str]) -> str:
    """Return the first reason of the most frequent kind, and how many reasons there are besides."""
    first, *alike = _by_kind(reasons)[0]
    others = len(reasons) - 1
    if not others:
        return first
    like_it = " like this" if len(alike) == others else f", {len(alike):,} of them like this" if alike else ""
    return f"{first} (and {plural(others, 'more reason')}{like_it})"


def further_kinds(reasons: Sequence[str], *, stated: int) -> list[str]:
    """Return a sentence for each kind of reasons after those already stated, then where all reasons are listed.

    Kinds beyond MOST_KINDS are only counted; the last sentence is left out where each reason has been stated.
    """
    kinds = _by_kind(reasons)
    sentences = [
        f"{first} (and {len(alike):,} more like this)." if alike else f"{first}."
        for first, *alike in kinds[stated:MOST_KINDS]
    ]
    if rest := kinds[MOST_KINDS:]:
        sentences.append(f"{plural(sum(map(len, rest)), 'more reason')} of {plural(len(rest), 'other kind')}.")
    if len(kinds) < len(reasons) or rest:
        sentences.append(f'The report lists all {len(reasons):,} reasons under "{WHERE_ALL_ARE}".')
    return sentences


def _by_kind(reasons: Sequence[str]) -> list[list[str]]:
    """Return the reasons of each kind, the most frequent kind first."""
    kinds: dict[str, list[str]] = {}
    for reason in reasons:
        kinds.setdefault(_FIGURE.sub("#", _TRIAL.sub("", reason)), []).append(reason)
    return sorted(kinds.values(), key=len, reverse=True)
