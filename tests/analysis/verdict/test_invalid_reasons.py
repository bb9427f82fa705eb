"""Reasons why a run is INVALID, in a few sentences however many they are."""

from __future__ import annotations

import pytest

from analysis.verdict.invalid_reasons import further_kinds, headline_reason

LISTED = 'The report lists all {} reasons under "Points that are not valid".'


def late(trial: int, late_ms: float) -> str:
    return f"SSE, every 2 s, trial {trial:03}-sse: events were published {late_ms} ms late (at most 1 ms): wait"


def lost(trial: int, events: int) -> str:
    return f"Long poll, trial {trial:03}-long_poll: {events:,} deliveries lost (0 allowed): look for them"


@pytest.mark.parametrize(
    ("reasons", "headline", "further"),
    [
        ([late(1, 2.5)], late(1, 2.5), []),
        ([late(1, 2.5), lost(2, 1)], f"{late(1, 2.5)} (and 1 more reason)", [f"{lost(2, 1)}."]),
        (
            [late(1, 2.5), late(2, 11.0), late(3, 1.25)],
            f"{late(1, 2.5)} (and 2 more reasons like this)",
            [LISTED.format(3)],
        ),
        (
            [late(1, 2.5), lost(2, 1), lost(3, 1200), lost(4, 12)],
            f"{lost(2, 1)} (and 3 more reasons, 2 of them like this)",
            [f"{late(1, 2.5)}.", LISTED.format(4)],
        ),
        (
            [late(1, 2.5), lost(2, 1), late(3, 4.5), lost(4, 12), late(5, 6.0)],
            f"{late(1, 2.5)} (and 4 more reasons, 2 of them like this)",
            [f"{lost(2, 1)} (and 1 more like this).", LISTED.format(5)],
        ),
    ],
)
def test_reasons_of_one_kind_are_stated_once(reasons: list[str], headline: str, further: list[str]) -> None:
    assert headline_reason(reasons) == headline
    assert further_kinds(reasons, stated=1) == further


def test_many_kinds_are_counted() -> None:
    kinds = [f"SSE, trial 001-sse: reason {name}" for name in "abcdef"]
    reasons = [*kinds, kinds[-1].replace("001", "002"), kinds[-2].replace("001", "002")]
    assert headline_reason(reasons) == f"{kinds[4]} (and 7 more reasons, 1 of them like this)"
    assert further_kinds(reasons, stated=1) == [
        f"{kinds[5]} (and 1 more like this).",
        f"{kinds[0]}.",
        f"{kinds[1]}.",
        "2 more reasons of 2 other kinds.",
        LISTED.format(8),
    ]
    assert further_kinds(reasons, stated=0)[0] == f"{kinds[4]} (and 1 more like this)."
    assert further_kinds([], stated=0) == []
