"""The publisher of a stream: an open loop with due times that are fixed before the stream starts.

A publisher that falls behind publishes at once and skips nothing, so that lateness shows up as latency and is never
hidden.
"""

from __future__ import annotations

import asyncio
import time
from array import array
from collections.abc import Sequence

from servers.events.log import EventLog
from system.asyncio_timer import PreciseTimer
from system.garbage_collection import collect_before_stream


class Publisher:
    """Appends each event of a stream to the log when it is due, and records when it did."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._task: asyncio.Task[None] | None = None
        self._timer: PreciseTimer | None = None
        self._collected = False
        self._due_ns = array("q")
        self._published_ns = array("q")

    @property
    def spin_cpu_ns(self) -> int:
        """CPU time spent spinning towards due times since the stream was started."""
        return self._timer.spin_cpu_ns if self._timer is not None else 0

    def published(self) -> list[tuple[int, int, int]]:
        """Return (seq, due_ns, published_ns) of every event so far, those out of the history included."""
        rows = zip(self._due_ns, self._published_ns, strict=True)
        return [(seq, due_ns, published_ns) for seq, (due_ns, published_ns) in enumerate(rows, start=1)]

    def clear(self, *, collects: bool = True) -> None:
        """Stop, and empty the log and the record; collect garbage if a stream is to follow."""
        self.stop()
        if collects:
            collect_before_stream(again=self._collected)
            self._collected = True
        self._log.reset()
        self._due_ns, self._published_ns = array("q"), array("q")

    def begin(self, t0_ns: int, due_offsets_ns: Sequence[int], payloads: Sequence[str]) -> None:
        """Publish this stream into the log, which has just been emptied.

        Event i, from 0, is due at t0 + due_offsets_ns[i], ns of CLOCK_MONOTONIC, and carries payloads[i modulo their
        number].
        """
        loop = asyncio.get_running_loop()
        self._timer = PreciseTimer(loop)
        self._task = loop.create_task(self._publish(self._timer, t0_ns, due_offsets_ns, payloads))

    def stop(self) -> None:
        """Stop publishing; the events published so far stay in the log and in the record."""
        if self._task is not None and self._timer is not None:
            self._task.cancel()
            self._timer.close()
            self._task = None

    async def _publish(
        self, timer: PreciseTimer, t0_ns: int, due_offsets_ns: Sequence[int], payloads: Sequence[str]
    ) -> None:
        # Catching up on more than the history at once would push events out before a prompt client could run.
        catch_up_events = max(1, self._log.history // 2)
        behind = 0
        for index, offset_ns in enumerate(due_offsets_ns):
            due_ns = t0_ns + offset_ns
            behind = behind + 1 if time.monotonic_ns() >= due_ns else 0
            if behind == 0:
                await timer.wait_until(due_ns)
            elif behind % catch_up_events == 0:
                await self._log.until_woken()
            published_ns = time.monotonic_ns()
            self._due_ns.append(due_ns)
            self._published_ns.append(published_ns)
            self._log.append(due_ns, published_ns, payloads[index % len(payloads)])
