from __future__ import annotations

import asyncio
import time

import pytest

from servers.events.log import EventLog
from servers.events.publisher import Publisher

pytestmark = [pytest.mark.clocks, pytest.mark.usefixtures("collector_as_it_was")]


def start(publisher: Publisher, start_in_ms: int, due_offsets_ns: list[int], payloads: list[str]) -> int:
    publisher.clear()
    t0_ns = time.monotonic_ns() + start_in_ms * 1_000_000
    publisher.begin(t0_ns, due_offsets_ns, payloads)
    return t0_ns


async def until_published(publisher: Publisher, events: int) -> None:
    while len(publisher.published()) < events:
        await asyncio.sleep(0.001)


def test_events_are_published_in_order_never_early_and_accounted_for() -> None:
    async def scenario() -> None:
        log = EventLog(history=3)
        publisher = Publisher(log)
        offsets = [0, 2_000_000, 2_000_000, 5_000_000, 9_000_000]
        t0_ns = start(publisher, 1, offsets, ["a", "b"])
        await until_published(publisher, 5)
        publisher.stop()
        rows = publisher.published()
        assert [(seq, due_ns - t0_ns) for seq, due_ns, _ in rows] == list(enumerate(offsets, start=1))
        assert all(published_ns >= due_ns for _, due_ns, published_ns in rows)
        assert [event.text.rpartition(":")[2] for event in log.read_after(2)] == ['"a"}', '"b"}', '"a"}']

    asyncio.run(scenario())


def test_catching_up_skips_nothing_and_loses_no_prompt_client() -> None:
    async def scenario() -> None:
        log = EventLog(history=4)
        publisher = Publisher(log)
        follower = log.follow(0)
        start(publisher, 0, [0] * 200, ["x"])
        for seq in range(1, 201):
            event = await follower.next()
            assert event is not None
            assert event.seq == seq
        publisher.stop()

    asyncio.run(scenario())


def test_a_new_stream_replaces_the_old_one_and_its_account() -> None:
    async def scenario() -> None:
        log = EventLog()
        publisher = Publisher(log)
        start(publisher, 0, [0, 3600 * 1_000_000_000], ["old"])
        await until_published(publisher, 1)
        start(publisher, 0, [0, 0], ["new"])
        assert publisher.published() == []
        assert log.last_seq == 0
        await until_published(publisher, 2)
        assert all("new" in event.text for event in log.read_after(0))
        publisher.stop()
        publisher.stop()

    asyncio.run(scenario())
