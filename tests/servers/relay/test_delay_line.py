from __future__ import annotations

import asyncio
import time
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from servers.relay.delay_line import LEAD_NS, DelayLine, SpinBudget

pytestmark = pytest.mark.clocks


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


def test_what_is_due_meanwhile_waits_for_its_turn_and_an_action_may_schedule_another() -> None:
    async def scenario() -> None:
        line = DelayLine(asyncio.get_running_loop())
        done = asyncio.Event()
        ran: list[str] = []

        def first() -> None:
            ran.append("first")
            line.schedule(time.monotonic_ns(), last)

        def last() -> None:
            ran.append("last")
            done.set()

        line.schedule(time.monotonic_ns() + LEAD_NS // 2, first)
        await asyncio.wait_for(done.wait(), 20)
        line.close()
        assert ran == ["first", "last"]

    asyncio.run(scenario())


@given(
    st.lists(st.tuples(st.integers(0, 50_000_000), st.floats(0, 1)), min_size=1, max_size=50),
    st.integers(0, 10**15),
)
def test_spinning_stays_within_its_share_of_the_time(turns: list[tuple[int, float]], start_ns: int) -> None:
    budget, now_ns, spun_ns = SpinBudget(start_ns), start_ns, 0
    for idle_ns, wish_ratio in turns:
        now_ns += idle_ns
        spin_ns = int(budget.left_ns(now_ns) * wish_ratio)
        assert spin_ns >= 0
        budget.spend(spin_ns)
        spun_ns += spin_ns
        now_ns += spin_ns
        assert spun_ns <= SpinBudget.MAX_SAVED_NS + SpinBudget.SHARE_RATIO * (now_ns - start_ns)


def test_a_budget_that_was_spent_comes_back_with_time() -> None:
    budget = SpinBudget(0)
    budget.spend(budget.left_ns(0))
    assert budget.left_ns(0) == 0
    assert budget.left_ns(10 * LEAD_NS) == LEAD_NS
    assert budget.left_ns(10**12) == SpinBudget.MAX_SAVED_NS
