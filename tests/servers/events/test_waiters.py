from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from servers.events.waiters import Waiter, Waiters

pytestmark = pytest.mark.clocks


class Noting(Waiter):
    """Notes when it was woken, in turns of the loop; it may wait again at once."""

    def __init__(self, woken: list[int], waiters: Waiters | None = None, *, asks_again: bool = False) -> None:
        super().__init__(asks_again=asks_again)
        self._woken = woken
        self._waiters = waiters

    def wake(self) -> None:
        self._woken.append(Turns.now)
        if self._waiters is not None:
            self._waiters.add(self)


class Turns:
    """Turns of the running loop since `count` began."""

    now = 0

    @classmethod
    async def count(cls) -> None:
        cls.now = 0
        while True:
            await asyncio.sleep(0)
            cls.now += 1


def in_loop(scenario: Coroutine[Any, Any, None]) -> None:
    async def counted() -> None:
        counting = asyncio.ensure_future(Turns.count())
        await asyncio.sleep(0)
        await scenario
        counting.cancel()

    asyncio.run(asyncio.wait_for(counted(), 20))


async def until_woken(waiters: Waiters) -> None:
    while waiters.waking:
        await asyncio.sleep(0)


def test_many_are_woken_over_many_turns_and_each_once() -> None:
    async def scenario() -> None:
        waiters, woken = Waiters(), list[int]()
        for _ in range(1000):
            waiters.add(Noting(woken))
        waiters.wake_all()
        assert 0 < len(woken) < 1000
        assert len(waiters) == 1000 - len(woken)
        await until_woken(waiters)
        assert len(woken) == 1000
        assert len(waiters) == 0
        assert max(woken.count(turn) for turn in set(woken)) * 10 < 1000

    in_loop(scenario())


def test_an_event_that_comes_in_between_wakes_those_who_wait_by_then() -> None:
    async def scenario() -> None:
        waiters, first, second = Waiters(), list[int](), list[int]()
        for _ in range(100):
            waiters.add(Noting(first))
        waiters.wake_all()
        for _ in range(100):
            waiters.add(Noting(second))
        assert not second
        waiters.wake_all()
        await until_woken(waiters)
        assert (len(first), len(second)) == (100, 100)
        assert max(first) <= min(second), "who waits for longer is woken first"

    in_loop(scenario())


def test_who_waits_again_when_woken_is_woken_once_for_each_event() -> None:
    async def scenario() -> None:
        waiters, woken = Waiters(), list[int]()
        for _ in range(50):
            waiters.add(Noting(woken, waiters))
        for event in range(1, 4):
            waiters.wake_all()
            await until_woken(waiters)
            assert len(woken) == 50 * event
        assert len(waiters) == 50

    in_loop(scenario())


def test_all_can_be_woken_at_once() -> None:
    waiters, woken = Waiters(), list[int]()
    for _ in range(500):
        waiters.add(Noting(woken))
    waiters.wake_all(at_once=True)
    assert len(woken) == 500
    assert not waiters.waking


def test_at_once_includes_who_was_still_to_be_woken() -> None:
    async def scenario() -> None:
        waiters, woken = Waiters(), list[int]()
        for _ in range(500):
            waiters.add(Noting(woken))
        waiters.wake_all()
        assert waiters.waking
        waiters.wake_all(at_once=True)
        assert len(woken) == 500
        assert not waiters.waking

    in_loop(scenario())


def test_polls_are_all_told_before_any_of_them_asks_again() -> None:
    woken = list[int]()
    waiters = Waiters()
    for _ in range(500):
        waiters.add(Noting(woken, asks_again=True))
    waiters.wake_all()
    assert len(woken) == 500
