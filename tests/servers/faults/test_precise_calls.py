from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from servers.faults.precise_calls import PreciseCalls
from system import asyncio_timer

pytestmark = pytest.mark.clocks

MS = 1_000_000
PATIENCE_S = 20.0


def run(scene: Callable[[], Awaitable[None]]) -> None:
    async def in_time() -> None:
        async with asyncio.timeout(PATIENCE_S):
            await scene()

    asyncio.run(in_time())


class Called:
    """Notes when it was called, and can be waited for."""

    def __init__(self, times: int) -> None:
        self._missing = times
        self.all_made = asyncio.Event()
        self.at_ns: list[int] = []

    def __call__(self) -> None:
        self.at_ns.append(time.monotonic_ns())
        self._missing -= 1
        if self._missing == 0:
            self.all_made.set()


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(-1, 5), min_size=1, max_size=20))
def test_each_time_is_called_once_in_order_and_never_early(ahead_ms: list[int]) -> None:
    async def scene() -> None:
        called = Called(len(ahead_ms))
        calls = PreciseCalls(asyncio.get_running_loop(), called)
        start_ns = time.monotonic_ns()
        due_ns = [start_ns + ahead * MS for ahead in ahead_ms]
        for each_ns in due_ns:
            calls.add(each_ns)
        await called.all_made.wait()
        calls.close()
        assert len(called.at_ns) == len(due_ns)
        assert all(at_ns >= each_ns for each_ns, at_ns in zip(sorted(due_ns), called.at_ns, strict=True))

    run(scene)


def test_an_earlier_time_overtakes_the_one_that_is_waited_for() -> None:
    async def scene() -> None:
        called = Called(1)
        calls = PreciseCalls(asyncio.get_running_loop(), called)
        calls.add(time.monotonic_ns() + 3600 * 1000 * MS)
        await asyncio.sleep(0.002)
        calls.add(time.monotonic_ns() + MS)
        await called.all_made.wait()
        calls.close()

    run(scene)


def test_what_was_called_may_ask_for_another_call() -> None:
    async def scene() -> None:
        called = Called(3)

        def action() -> None:
            called()
            if not called.all_made.is_set():
                calls.add(time.monotonic_ns())

        calls = PreciseCalls(asyncio.get_running_loop(), action)
        calls.add(time.monotonic_ns() + MS)
        await called.all_made.wait()
        calls.close()
        assert len(called.at_ns) == 3

    run(scene)


def test_nobody_else_is_held_up_while_a_time_is_near(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else an event that is due just before would be published late, and the next one by more."""
    now_ns, readings = 10_000, 0

    def read() -> int:
        nonlocal readings
        readings += 1
        assert readings < 1000, "it waits without letting anyone else run"
        return now_ns

    monkeypatch.setattr(asyncio_timer, "time", SimpleNamespace(monotonic_ns=read, thread_time_ns=time.thread_time_ns))

    async def scene() -> None:
        nonlocal now_ns
        called = Called(1)
        calls = PreciseCalls(asyncio.get_running_loop(), called)
        calls.add(now_ns + 20)
        while now_ns < 10_020:
            await asyncio.sleep(0)
            assert not called.at_ns
            now_ns += 1  # time passes by what others do alone
        await called.all_made.wait()
        calls.close()

    run(scene)


def test_nothing_is_called_after_the_end() -> None:
    async def scene() -> None:
        called = Called(1)
        calls = PreciseCalls(asyncio.get_running_loop(), called)
        calls.add(time.monotonic_ns() + MS)
        calls.close()
        await asyncio.sleep(0.01)
        assert called.at_ns == []

    run(scene)
