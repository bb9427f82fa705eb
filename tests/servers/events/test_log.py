from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import ClientDisconnect

from contract import wire
from servers.events.log import CursorTooOldError, EventLog


def filled(events: int, history: int = 100) -> EventLog:
    log = EventLog(history)
    for number in range(1, events + 1):
        log.append(number, number, str(number))
    return log


def in_loop(scenario: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(scenario, 20))


async def until_waiting(log: EventLog, clients: int) -> None:
    while log.waiting != clients:
        await asyncio.sleep(0)


@given(st.integers(1, 20), st.integers(0, 60), st.integers(0, 80))
def test_reading_gives_every_event_after_the_cursor_or_says_that_it_cannot(
    history: int, events: int, cursor: int
) -> None:
    log = filled(events, history)
    if cursor < events - history:
        with pytest.raises(CursorTooOldError, match=f"cursor {cursor} .* event {events - history + 1}"):
            log.read_after(cursor)
        with pytest.raises(CursorTooOldError):
            log.get_after(cursor)
    else:
        read = log.read_after(cursor)
        assert [event.seq for event in read] == list(range(cursor + 1, events + 1))
        assert log.get_after(cursor) is (read[0] if read else None)
        assert [wire.decode_event(event.text).payload for event in read] == [str(event.seq) for event in read]


def test_a_history_without_room_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        EventLog(0)


def test_each_form_of_an_event_is_encoded_once() -> None:
    (event,) = filled(1).read_after(0)
    assert event.sse is event.sse
    assert event.sse == wire.encode_sse_event(1, event.text)


def test_waiting_returns_at_once_what_is_already_there() -> None:
    async def scenario() -> None:
        assert [event.seq for event in await filled(3).wait_after(1)] == [2, 3]

    in_loop(scenario())


def test_waiting_ends_with_the_next_event() -> None:
    async def scenario() -> None:
        log = filled(3)
        waiting = asyncio.ensure_future(log.wait_after(3))
        await until_waiting(log, 1)
        log.append(4, 4, "four")
        assert [event.seq for event in await waiting] == [4]
        assert log.waiting == 0

    in_loop(scenario())


def test_waiting_ends_empty_with_its_hold() -> None:
    async def scenario() -> None:
        log = filled(3)
        assert await log.wait_after(3, hold_s=0) == []
        assert await log.wait_after(3, hold_s=0.01) == []
        assert log.waiting == 0

    in_loop(scenario())


def test_without_a_cursor_only_the_latest_event_is_read() -> None:
    assert EventLog().read_latest() == []
    assert [event.seq for event in filled(7, history=3).read_latest()] == [7]


@pytest.mark.parametrize("history", [1, 100])
def test_without_a_cursor_only_the_next_event_is_waited_for(history: int) -> None:
    async def scenario() -> None:
        log = filled(3, history)
        waiting = asyncio.ensure_future(log.wait_next())
        await until_waiting(log, 1)
        log.append(4, 4, "four")
        log.append(5, 5, "five")
        expected = 5 if history == 1 else 4
        assert [event.seq for event in await waiting] == [expected]
        assert await log.wait_next(hold_s=0.01) == []
        assert log.waiting == 0

    in_loop(scenario())


def test_without_a_cursor_the_first_event_of_a_new_stream_is_the_next() -> None:
    async def scenario() -> None:
        log = filled(3)
        waiting = asyncio.ensure_future(log.wait_next())
        await until_waiting(log, 1)
        log.reset()
        log.append(1, 1, "new")
        assert [event.seq for event in await waiting] == [1]

    in_loop(scenario())


def test_a_cancelled_wait_leaves_nothing_behind() -> None:
    async def scenario() -> None:
        log = EventLog()
        waits = [asyncio.ensure_future(log.wait_after(0)) for _ in range(10)]
        await until_waiting(log, 10)
        for wait in waits[::2]:
            wait.cancel()
        await until_waiting(log, 5)
        log.append(1, 1, "one")
        assert [[event.seq for event in await wait] for wait in waits[1::2]] == [[1]] * 5

    in_loop(scenario())


def test_a_cursor_ahead_of_the_log_waits_for_its_event() -> None:
    async def scenario() -> None:
        log = filled(1)
        waiting = asyncio.ensure_future(log.wait_after(2))
        await until_waiting(log, 1)
        log.append(2, 2, "two")
        await until_waiting(log, 0)
        await until_waiting(log, 1)
        log.append(3, 3, "three")
        assert [event.seq for event in await waiting] == [3]

    in_loop(scenario())


def test_a_held_poll_goes_on_waiting_into_a_new_stream() -> None:
    async def scenario() -> None:
        log = filled(1)
        log.reset()
        waiting = asyncio.ensure_future(log.wait_after(0))
        await until_waiting(log, 1)
        log.reset()
        assert not waiting.done()
        log.append(1, 1, "new")
        assert [event.seq for event in await waiting] == [1]

    in_loop(scenario())


def test_a_follower_starts_over_with_a_new_stream() -> None:
    async def scenario() -> None:
        log = filled(5)
        follower = log.follow(4)
        event = await follower.next()
        assert event is not None
        assert event.seq == 5
        following = asyncio.ensure_future(follower.next())
        await until_waiting(log, 1)
        log.reset()
        first = log.append(1, 1, "new")
        assert await following is first

    in_loop(scenario())


def test_a_follower_never_hands_out_what_a_new_stream_replaced() -> None:
    async def scenario() -> None:
        log = filled(5)
        follower = log.follow(0)
        await follower.next()
        log.reset()
        first = log.append(1, 1, "new")
        assert await follower.next() is first

    in_loop(scenario())


def test_a_follower_that_falls_out_of_the_history_is_told() -> None:
    async def scenario() -> None:
        log = filled(2, history=2)
        follower = log.follow(0)
        await follower.next()
        log.append(3, 3, "three")
        assert not follower.too_old
        log.append(4, 4, "four")
        assert follower.too_old
        with pytest.raises(CursorTooOldError):
            await follower.next()

    in_loop(scenario())


def test_following_from_a_cursor_that_is_too_old_is_refused() -> None:
    with pytest.raises(CursorTooOldError):
        filled(3, history=2).follow(0)


def test_a_client_with_a_backlog_lets_others_run() -> None:
    async def scenario() -> None:
        log = filled(1000, history=1000)
        follower = log.follow(0)
        others_ran = asyncio.Event()
        asyncio.get_running_loop().call_soon(others_ran.set)
        while not others_ran.is_set():
            assert await follower.next() is not None
        assert follower.cursor < 1000

    in_loop(scenario())


def test_closing_lets_everyone_go() -> None:
    async def scenario() -> None:
        log = EventLog()
        poll = asyncio.ensure_future(log.wait_after(0, 60))
        following = asyncio.ensure_future(log.follow(0).next())
        await until_waiting(log, 2)
        log.close()
        assert await poll == []
        assert await following is None
        assert await log.wait_after(0) == []

    in_loop(scenario())


@pytest.mark.parametrize("cursor", [0, None])
def test_a_wait_ends_with_the_connection_that_it_is_for(cursor: int | None) -> None:
    async def scenario() -> None:
        log = EventLog()
        callbacks: list[Callable[[], None] | None] = []
        waits = [
            log.wait_next(60, on_disconnect) if cursor is None else log.wait_after(cursor, 60, on_disconnect)
            for on_disconnect in (callbacks.append, None)
        ]
        left, stays = (asyncio.ensure_future(wait) for wait in waits)
        await until_waiting(log, 2)
        [disconnect] = callbacks
        assert disconnect is not None
        disconnect()
        with pytest.raises(ClientDisconnect):
            await left
        assert log.waiting == 1
        assert callbacks == [disconnect, None]
        log.append(1, 1, "to who stays")
        assert [event.seq for event in await stays] == [1]

    in_loop(scenario())


def test_an_event_that_comes_first_is_no_disconnection() -> None:
    async def scenario() -> None:
        log = EventLog()
        callbacks: list[Callable[[], None] | None] = []
        poll = asyncio.ensure_future(log.wait_after(0, 60, callbacks.append))
        await until_waiting(log, 1)
        log.append(1, 1, "first")
        assert callbacks[0] is not None
        callbacks[0]()
        assert [event.seq for event in await poll] == [1]

    in_loop(scenario())


def test_the_order_of_waking_is_a_fair_shuffle() -> None:
    async def scenario() -> None:
        log = EventLog(rng=random.Random(5))
        clients, rounds = 4, 2400
        orders: Counter[tuple[int, ...]] = Counter()
        for _ in range(rounds):
            woken: list[int] = []

            async def wait(client: int, woken: list[int] = woken) -> None:
                await log.wait_for_append()
                woken.append(client)

            leaver = asyncio.ensure_future(wait(clients))
            tasks = [asyncio.ensure_future(wait(client)) for client in range(clients)]
            await until_waiting(log, clients + 1)
            leaver.cancel()
            await until_waiting(log, clients)
            log.append(0, 0, "")
            await asyncio.gather(*tasks)
            orders[tuple(woken)] += 1
        # Chi-squared over all 24 orders: the 0.999 quantile for 23 degrees of freedom is 49.7.
        expected = rounds / 24
        assert len(orders) == 24
        assert sum((count - expected) ** 2 / expected for count in orders.values()) < 49.7

    in_loop(scenario())
