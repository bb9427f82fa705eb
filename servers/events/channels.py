"""The open push channels: how SSE and WebSocket send events to a client once it is connected.

Each channel is a loop over the log and has no queue. A client that does not read blocks only its own send; when its
next event leaves the history it is cut off and counted, so it can neither delay others nor take up memory.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from starlette.types import Scope
from starlette.websockets import WebSocketDisconnect

from servers.events.asgi_extensions import CUT_OFF_EXTENSION, WRITE_FRAMED_EXTENSION
from servers.events.log import CursorTooOldError, EncodedEvent, EventLog, Follower, Framing
from servers.events.waiters import Waiter


class _LogClosedError(Exception):
    """The log is closed: there will be no more events."""


class _Channel:
    """One client's channel."""

    __slots__ = ("cut", "cutting", "follower")

    def __init__(self, follower: Follower, cut: Callable[[str], object]) -> None:
        self.follower = follower
        self.cut = cut
        self.cutting = False


class DirectWriter(Waiter):
    """Writes new events to one channel when the log wakes its waiters, without waking a task of the channel.

    Each event is framed once, and its bytes are written to all connections in one loop. A channel is served like this
    as long as its client keeps up. When its connection accepts no more data, its own task waits until the client reads,
    and sends what it has missed; once it has caught up, it is served here again.
    """

    __slots__ = ("_follower", "_framing", "_log", "_record", "_stopped", "_write")

    def __init__(
        self,
        log: EventLog,
        follower: Follower,
        framing: Framing,
        write: Callable[[bytes], bool],
        record: Callable[[EncodedEvent], None] | None = None,
    ) -> None:
        """Create a writer that calls `record` with each event after it was written."""
        super().__init__()
        self._log = log
        self._follower = follower
        self._framing = framing
        self._write = write
        self._record = record
        self._stopped: asyncio.Future[None] | None = None

    async def write_while_it_keeps_up(self) -> None:
        """Write from the next event on; return when the connection accepts no more, or the log is closed."""
        if self._log.closed:
            return
        self._stopped = asyncio.get_running_loop().create_future()
        self._log.waiters.add(self)
        try:
            await self._stopped
        finally:
            self._log.waiters.remove(self)
            self._stopped = None

    def wake(self) -> None:
        """Write the new events."""
        if self._stopped is None or self._stopped.done():
            return  # the channel stopped waiting between the event and its turn
        if self._write_new() and not self._log.closed:
            self._log.waiters.add(self)
        else:
            self._stopped.set_result(None)

    def _write_new(self) -> bool:
        follower, log = self._follower, self._log
        try:
            event = follower.peek()
            while event is not None:
                if not self._write(event.framed(self._framing)):
                    return False
                follower.cursor = event.seq
                if self._record is not None:
                    self._record(event)
                event = follower.peek() if event.seq < log.last_seq else None
        except CursorTooOldError:
            return False
        return True


class Channels:
    """All open channels of one server, and the number that were cut off since the stream was posted."""

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
        framing: Framing | None = None,
        record: Callable[[EncodedEvent], None] | None = None,
    ) -> bool:
        """Send every event of the follower until the client has disconnected (False) or the log closes (True).

        With a framing, and a connection that accepts whole frames, a `DirectWriter` writes them while the client keeps
        up. `record` is called with each event after it was written.
        """
        channel = _Channel(follower, _cut_off_function(scope))
        write = None if framing is None else scope.get("extensions", {}).get(WRITE_FRAMED_EXTENSION)
        direct = None if write is None or framing is None else DirectWriter(self._log, follower, framing, write, record)
        self._open.add(channel)
        log_closed = False
        try:
            async with asyncio.TaskGroup() as tasks:
                # A task of its own, because waking the handler's would go through all layers of the framework.
                delivering = tasks.create_task(self._deliver(channel, _recorded(send, record), direct))
                await until_closed()
                delivering.cancel()
        except* _LogClosedError:
            log_closed = True
        finally:
            self._open.discard(channel)
        return log_closed

    def cut_off_slow_clients(self) -> None:
        """End every channel whose next event has left the history; call this about once a second."""
        if self._log.oldest_seq == 1:
            return
        for channel in [channel for channel in self._open if channel.follower.too_old]:
            self._cut(channel)

    async def _deliver(
        self, channel: _Channel, send: Callable[[EncodedEvent], Awaitable[None]], direct: DirectWriter | None
    ) -> None:
        follower = channel.follower
        try:
            while True:
                if direct is not None and not follower.behind:
                    await direct.write_while_it_keeps_up()
                if (event := await follower.next()) is None:
                    break
                await send(event)
        except CursorTooOldError:
            self._cut(channel)
        except (OSError, WebSocketDisconnect):
            pass  # the handler is about to receive the disconnect as well
        else:
            raise _LogClosedError
        # Only the handler knows when the connection is really closed; it cancels this wait.
        await asyncio.get_running_loop().create_future()

    def _cut(self, channel: _Channel) -> None:
        if channel.cutting:
            return
        channel.cutting = True
        self.cut_off += 1
        channel.cut(str(CursorTooOldError(channel.follower.cursor, self._log.oldest_seq)))


def _cut_off_function(scope: Scope) -> Callable[[str], object]:
    """Return the server's own function to end the connection; under another ASGI server, cancel the handler."""
    extension: Callable[[str], object] | None = scope.get("extensions", {}).get(CUT_OFF_EXTENSION)
    if extension is not None:
        return extension
    task = asyncio.current_task()
    assert task is not None
    return task.cancel


def _recorded(
    send: Callable[[EncodedEvent], Awaitable[None]], record: Callable[[EncodedEvent], None] | None
) -> Callable[[EncodedEvent], Awaitable[None]]:
    """Return a function that sends an event and then records it; `send` itself if `record` is None."""
    if record is None:
        return send

    async def send_and_record(event: EncodedEvent) -> None:
        await send(event)
        record(event)

    return send_and_record
