"""The server's half of the pre-flight check."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from classroom.page.preflight import (
    MAX_FLOOR_MS,
    MAX_TIMER_LATENESS_MS,
    MIN_DESCRIPTORS,
    Measured,
    checks,
    measure,
)

READY = Measured(
    floor_p50_ms=0.1, floor_max_ms=0.9, timer_lateness_ms=1.5, load_per_core=0.3, descriptors=MIN_DESCRIPTORS
)


def test_a_quiet_machine_passes_every_check() -> None:
    assert all(check.passed for check in checks(READY))
    assert all(check.passed for check in checks(replace(READY, descriptors=-1))), "no limit is no shortage"


@pytest.mark.parametrize(
    ("found", "fails"),
    [
        (replace(READY, floor_p50_ms=MAX_FLOOR_MS + 0.1), "floor"),
        (replace(READY, timer_lateness_ms=MAX_TIMER_LATENESS_MS + 0.1), "timers"),
        (replace(READY, load_per_core=1.01), "load"),
        (replace(READY, descriptors=MIN_DESCRIPTORS - 1), "descriptors"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_shortage_fails_its_own_check_and_says_what_to_do(found: Measured, fails: str) -> None:
    failed = [check for check in checks(found) if not check.passed]
    assert [check.id for check in failed] == [fails]
    assert failed[0].remedy
    assert failed[0].found


def test_the_machine_itself_is_measured() -> None:
    measured = asyncio.run(measure())
    assert 0 < measured.floor_p50_ms <= measured.floor_max_ms
    assert measured.timer_lateness_ms >= 0
    assert measured.load_per_core >= 0
    assert measured.descriptors == -1 or measured.descriptors > 0
