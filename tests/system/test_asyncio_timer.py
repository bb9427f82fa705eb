from __future__ import annotations

import asyncio
import time

import pytest

from system import asyncio_timer
from system.asyncio_timer import PreciseTimer, create_alarm
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
