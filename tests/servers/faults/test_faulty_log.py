from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from contract import wire
from contract.faults import parse_fault
from servers.events.log import CursorTooOldError, EncodedEvent
from servers.faults.client_numbers import Visit, current_visit
from servers.faults.faulty_log import GARBLED_TEXT, FaultyLog

pytestmark = pytest.mark.clocks

MS = 1_000_000
PATIENCE_S = 20.0


def run(scene: Callable[[], Awaitable[None]]) -> None:
    async def in_time() -> None:
        current_visit.set(Visit(client=1))
        async with asyncio.timeout(PATIENCE_S):
            await scene()

    asyncio.run(in_time())


def log_of(*specs: str, history: int = 100) -> FaultyLog:
    return FaultyLog([parse_fault(spec) for spec in specs], history)


def publish(log: FaultyLog, events: int) -> None:
    for _ in range(events):
        now_ns = time.monotonic_ns()
        log.append(now_ns, now_ns, f"payload {log.last_seq + 1}")


def seqs(events: list[EncodedEvent]) -> list[int]:
    return [wire.decode_event(event.text).seq for event in events]


def test_polls_and_channels_are_told_the_same() -> None:
    async def scene() -> None:
        log = log_of("drop:seq=2", "duplicate:seq=3", "reorder:seq=5")
        publish(log, 7)
        follower = log.follow(0)
        told = seqs(log.read_after(0))
        followed = [event for _ in told if (event := await follower.next()) is not None]
        assert told == seqs(followed) == [1, 3, 3, 4, 6, 5, 7]

    run(scene)


def test_the_cursor_of_what_was_overtaken_lies_behind_both() -> None:
    async def scene() -> None:
        log = log_of("reorder:seq=1")
        publish(log, 2)
        events = log.read_after(0)
        assert [event.seq for event in events] == [2, 2]
        assert events[1].sse.startswith(b'id: 2\ndata: {"seq":1,')

    run(scene)


@pytest.mark.parametrize("payload", ["", "#", "#more", "as long as before", "\u00e4"])
def test_a_corrupt_payload_is_another_one_in_a_sound_event(payload: str) -> None:
    async def scene() -> None:
        log = log_of("corrupt:seq=1")
        sound = log.append(7, 8, payload)
        [told] = log.read_after(0)
        event = wire.decode_event(told.text)
        assert (event.seq, event.due_ns, event.published_ns) == (1, 7, 8)
        assert event.payload != payload == wire.decode_event(sound.text).payload

    run(scene)


def test_what_is_garbled_is_no_event() -> None:
    with pytest.raises(ValueError, match="Expecting value"):
        wire.decode_event(GARBLED_TEXT)
    with pytest.raises(ValueError, match="Expecting value"):
        wire.decode_poll_reply(wire.encode_poll_reply([GARBLED_TEXT], 1))


def test_a_long_poll_waits_for_a_delayed_event_and_hears_it_on_time() -> None:
    async def scene() -> None:
        log = log_of("delay:ms=30")
        publish(log, 1)
        [event] = await log.wait_after(0, PATIENCE_S)
        assert time.monotonic_ns() >= wire.decode_event(event.text).due_ns + 30 * MS
        assert log.read_after(1) == []
        log.close()

    run(scene)


def test_a_delay_counts_from_when_the_event_was_due_however_late_it_was_published() -> None:
    async def scene() -> None:
        log = log_of("delay:ms=60000")
        now_ns = time.monotonic_ns()
        log.append(now_ns - 60_000 * MS, now_ns, "late by as much as it is delayed")
        log.append(now_ns - 59_000 * MS, now_ns, "late by a second less")
        assert seqs(await log.wait_after(0, PATIENCE_S)) == [1]
        log.close()

    run(scene)


def test_what_is_delayed_is_told_when_the_loop_comes_round_as_what_is_published_is() -> None:
    async def scene() -> None:
        log = log_of("delay:ms=5")
        publish(log, 1)
        time.sleep(0.02)  # a request at hand, for longer than the delay: nothing would be published meanwhile
        assert log.read_after(0) == []
        assert seqs(await log.wait_after(0, PATIENCE_S)) == [1]
        log.close()

    run(scene)


def test_without_a_cursor_the_latest_event_that_may_be_told_is_told() -> None:
    async def scene() -> None:
        log = log_of("drop:seq=3", "close:seq=4", "delay:ms=60000,seq=6")
        assert log.read_latest() == []
        publish(log, 3)
        assert seqs(log.read_latest()) == seqs(log.read_latest()) == [2]
        publish(log, 2)
        visit = current_visit.get()
        assert seqs(log.read_latest()) == [4]
        assert visit.closes
        assert seqs(log.read_latest()) == [5]
        publish(log, 1)
        assert seqs(log.read_latest()) == [5]
        assert not visit.closes
        log.reset()
        assert log.read_latest() == []
        log.close()

    run(scene)


def test_without_a_cursor_a_delayed_event_is_waited_for_and_a_dropped_one_never_comes() -> None:
    async def scene() -> None:
        log = log_of("drop:seq=2", "delay:ms=30,seq=3")
        publish(log, 1)
        waiting = asyncio.ensure_future(log.wait_next(PATIENCE_S))
        while not log.waiting:
            await asyncio.sleep(0)
        publish(log, 2)
        [event] = await waiting
        told = wire.decode_event(event.text)
        assert told.seq == 3
        assert time.monotonic_ns() >= told.due_ns + 30 * MS
        log.close()

    run(scene)


def test_a_new_stream_begins_with_nothing_delayed_and_nothing_remembered() -> None:
    async def scene() -> None:
        log = log_of("delay:ms=30", "garble:seq=1")
        publish(log, 3)
        [garbled] = await log.wait_after(0)
        assert garbled.text == GARBLED_TEXT
        log.reset()
        assert log.read_after(0) == []
        publish(log, 1)
        [garbled] = await log.wait_after(0)
        assert garbled.text == GARBLED_TEXT
        log.close()

    run(scene)


def test_a_channel_ends_after_the_event_that_closes_it_and_says_so_beforehand() -> None:
    async def scene() -> None:
        log = log_of("close:seq=2")
        publish(log, 3)
        follower = log.follow(0)
        assert current_visit.get().closes
        told = [event.seq async for event in _until_none(follower.next)]
        assert told == [1, 2]
        again = log.follow(2)
        event = await again.next()
        assert event is not None and event.seq == 3

    run(scene)


def test_a_poll_that_closes_says_so_and_others_do_not() -> None:
    async def scene() -> None:
        log = log_of("close:seq=2", "drop:seq=1,client=2")
        publish(log, 3)
        visit = current_visit.get()
        assert seqs(log.read_after(0)) == [1, 2]
        assert visit.closes
        assert seqs(log.read_after(2)) == [3]
        assert not visit.closes
        current_visit.set(Visit(client=2))
        assert seqs(log.read_after(0)) == [2]

    run(scene)


def test_a_cursor_out_of_the_history_is_refused_as_ever() -> None:
    async def scene() -> None:
        log = log_of("duplicate:seq=1", history=2)
        follower = log.follow(0)
        publish(log, 4)
        for ask in (log.read_after, log.follow):
            with pytest.raises(CursorTooOldError):
                ask(1)
        assert follower.too_old
        with pytest.raises(CursorTooOldError):
            await follower.next()

    run(scene)


def test_a_slow_channel_hands_out_what_it_has_read_though_the_history_moved_on() -> None:
    async def scene() -> None:
        log = log_of("duplicate:seq=2", history=3)
        publish(log, 3)
        follower = log.follow(0)
        first = await follower.next()
        publish(log, 2)
        rest = [await follower.next() for _ in range(3)]
        assert [event and wire.decode_event(event.text).seq for event in (first, *rest)] == [1, 2, 2, 3]

    run(scene)


async def _until_none(step: Callable[[], Awaitable[EncodedEvent | None]]) -> AsyncIterator[EncodedEvent]:
    while (event := await step()) is not None:
        yield event
