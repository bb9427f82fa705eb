"""Timers that are never early, and calls at times that become known one by one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from system import asyncio_timer
from system.asyncio_timer import PreciseCalls, PreciseTimer, create_alarm
from tests.running import PATIENCE_S

pytestmark = pytest.mark.clocks


@pytest.fixture(params=["of the platform", "of the loop"])
def alarm_kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "of the loop":
        monkeypatch.setattr(asyncio_timer, "create_alarm", asyncio_timer._LoopAlarm)


@pytest.mark.usefixtures("alarm_kind")
def test_a_wait_is_never_early() -> None:
    async def scenario() -> None:
        waits = PreciseTimer(asyncio.get_running_loop())
        for ahead_us in (-1000, 0, 50, 900, 5000):
            due_ns = time.monotonic_ns() + ahead_us * 1000
            await waits.wait_until(due_ns)
            assert time.monotonic_ns() >= due_ns
        waits.close()

    asyncio.run(scenario())


@pytest.mark.usefixtures("alarm_kind")
def test_other_tasks_run_during_a_wait_and_its_spin() -> None:
    async def scenario() -> None:
        waits = PreciseTimer(asyncio.get_running_loop())
        turns = 0

        async def count() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        counting = asyncio.ensure_future(count())
        deadline = time.monotonic() + PATIENCE_S
        # Who is held up for longer than the wait itself has nothing left to wait for: then once more.
        while turns == 0 and time.monotonic() < deadline:
            await waits.wait_until(time.monotonic_ns() + 300_000)
        counting.cancel()
        waits.close()
        assert turns > 0

    asyncio.run(scenario())


def test_spinning_is_accounted_and_sleeping_costs_nothing() -> None:
    async def scenario() -> None:
        waits = PreciseTimer(asyncio.get_running_loop())
        before_ns = time.thread_time_ns()
        deadline = time.monotonic() + PATIENCE_S
        # Who is woken only when the time is up has nothing left to spin through.
        while waits.spin_cpu_ns == 0 and time.monotonic() < deadline:
            await waits.wait_until(time.monotonic_ns() + 2_000_000)
        spent_ns = time.thread_time_ns() - before_ns
        waits.close()
        assert 0 < waits.spin_cpu_ns <= spent_ns

    asyncio.run(scenario())


def test_setting_an_alarm_again_replaces_its_time() -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        rang: asyncio.Future[int] = loop.create_future()
        alarm = create_alarm(loop, lambda: rang.set_result(time.monotonic_ns()))
        alarm.set(time.monotonic_ns() + 3600 * 1_000_000_000)
        due_ns = time.monotonic_ns() + 2_000_000
        alarm.set(due_ns)
        assert await asyncio.wait_for(rang, 20) >= due_ns
        alarm.close()

    asyncio.run(scenario())


def test_a_time_that_is_past_rings_at_once() -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        rang: asyncio.Future[None] = loop.create_future()
        alarm = create_alarm(loop, lambda: rang.set_result(None))
        alarm.set(0)
        await asyncio.wait_for(rang, 20)
        alarm.close()
        alarm.close()

    asyncio.run(scenario())


MS = 1_000_000


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
