from __future__ import annotations

import asyncio
import time
from functools import partial

from hypothesis import given, settings
from hypothesis import strategies as st

from servers.delay_line import DelayLine


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=30))
def test_actions_run_when_due_in_order_and_never_early(delays_ms: list[int]) -> None:
    async def scenario() -> None:
        line = DelayLine(asyncio.get_running_loop())
        start_ns = time.monotonic_ns()
        ran: list[tuple[int, int, int]] = []
        done = asyncio.Event()

        def run(due_ns: int, number: int) -> None:
            ran.append((due_ns, number, time.monotonic_ns()))
            if len(ran) == len(delays_ms):
                done.set()

        for number, delay_ms in enumerate(delays_ms):
            due_ns = start_ns + delay_ms * 1_000_000
            line.schedule(due_ns, partial(run, due_ns, number))
        await asyncio.wait_for(done.wait(), 20)
        line.close()
        assert ran == sorted(ran)
        assert all(ran_ns >= due_ns for due_ns, _, ran_ns in ran)
        assert line.lateness.count == len(delays_ms)

    asyncio.run(scenario())


def test_a_closed_line_drops_what_was_waiting() -> None:
    async def scenario() -> None:
        line = DelayLine(asyncio.get_running_loop())
        ran: list[int] = []
        line.schedule(time.monotonic_ns() + 1_000_000, partial(ran.append, 1))
        line.close()
        await asyncio.sleep(0.01)
        assert ran == []

    asyncio.run(scenario())
