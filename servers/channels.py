"""The open push channels: what SSE and WebSocket share once a client is connected.

Each channel is a loop over the log and has no queue. A client that does not read blocks only its own send; when it
falls out of the history it is cut off and counted, so it can neither delay others nor hold memory.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from starlette.types import Scope
from starlette.websockets import WebSocketDisconnect

from servers.log import CursorTooOldError, EncodedEvent, EventLog, Follower

CUT_OFF_EXTENSION = "push-vs-poll.cut_off"
"""ASGI extension of `servers.serving`: a function (reason) that ends the connection even if the client reads nothing.

Plain ASGI cannot: its close waits behind the very buffer that the client does not read.
"""


class _ClientGoneError(Exception):
    """The connection is closed, by whichever side."""


class _Channel:
    """One client's channel."""

    __slots__ = ("cut", "cutting", "follower")

    def __init__(self, follower: Follower, cut: Callable[[str], object]) -> None:
        self.follower = follower
        self.cut = cut
        self.cutting = False


class Channels:
    """All open channels of one server, and how many were cut off since the stream was posted."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._open: set[_Channel] = set()
        self.cut_off = 0

    def __len__(self) -> int:
        return len(self._open)

    async def serve(
        self,
        follower: Follower,
        scope: Scope,
        send: Callable[[EncodedEvent], Awaitable[None]],
        until_closed: Callable[[], Awaitable[None]],
    ) -> bool:
        """Send every event the follower gets until the client is gone (False) or the log closes (True)."""
        channel = _Channel(follower, _cut_off_function(scope))
        self._open.add(channel)
        try:
            async with asyncio.TaskGroup() as tasks:
                watcher = tasks.create_task(_raise_when_closed(until_closed))
                await self._deliver(channel, send)
                watcher.cancel()
                return True
        except* _ClientGoneError:
            pass
        finally:
            self._open.discard(channel)
        return False

    def cut_off_laggards(self) -> None:
        """End every channel whose next event has left the history; to be called about once a second."""
        if self._log.oldest_seq == 1:
            return
        for channel in [channel for channel in self._open if channel.follower.too_old]:
            self._cut(channel)

    async def _deliver(self, channel: _Channel, send: Callable[[EncodedEvent], Awaitable[None]]) -> None:
        try:
            while (event := await channel.follower.next()) is not None:
                await send(event)
            return
        except CursorTooOldError:
            self._cut(channel)
        except (OSError, WebSocketDisconnect):
            pass  # the watcher is about to hear of it too
        # Only the watcher knows when the connection is really gone; it cancels this wait.
        await asyncio.get_running_loop().create_future()

    def _cut(self, channel: _Channel) -> None:
        if channel.cutting:
            return
        channel.cutting = True
        self.cut_off += 1
        channel.cut(str(CursorTooOldError(channel.follower.cursor, self._log.oldest_seq)))


def _cut_off_function(scope: Scope) -> Callable[[str], object]:
    """The server's own way to end the connection; under another ASGI server, the handler is cancelled."""
    extension: Callable[[str], object] | None = scope.get("extensions", {}).get(CUT_OFF_EXTENSION)
    if extension is not None:
        return extension
    task = asyncio.current_task()
    assert task is not None
    return task.cancel


async def _raise_when_closed(until_closed: Callable[[], Awaitable[None]]) -> None:
    await until_closed()
    raise _ClientGoneError
