"""The two programs of the lesson: their source as shipped, and their handlers as run."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from types import CoroutineType, ModuleType
from typing import Any

from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from classroom.lesson.samples import echo_loop, echo_once
from classroom.lesson.traced_websocket import Note, TracedWebSocket


@dataclass(frozen=True, slots=True)
class Sample:
    """One program of the lesson."""

    name: str
    """The name in its route, /lesson/<name>."""
    module: ModuleType
    handler: Callable[[WebSocket], Coroutine[Any, Any, None]]

    @property
    def first_line(self) -> int:
        """The first line of the handler in the file, its decorator included."""
        return inspect.getsourcelines(self.handler)[1]

    @property
    def last_line(self) -> int:
        """The last line of the handler."""
        lines, first = inspect.getsourcelines(self.handler)
        return first + len(lines) - 1

    def described(self) -> dict[str, Any]:
        """Return the sample for the page: the file's name and text, and where the handler is in it."""
        return {
            "name": self.name,
            "path": f"{self.module.__name__.replace('.', '/')}.py",
            "source": inspect.getsource(self.module),
            "first_line": self.first_line,
            "last_line": self.last_line,
        }

    async def run(self, scope: Scope, receive: Receive, send: Send, note: Callable[[Note], None]) -> None:
        """Serve one connection with the sample's own handler, and record every step of it."""
        socket = TracedWebSocket(scope, receive, send, note)
        before = socket.states()
        note(Note(time.monotonic_ns(), "start", "upgrade", self.first_line, before, before))
        action = "return"
        running = self.handler(socket)
        assert isinstance(running, CoroutineType)
        frame = running.cr_frame  # outlives the coroutine, and keeps the line it ended on
        assert frame is not None
        try:
            await running
        except Exception as error:
            # uvicorn would log this as an error of the app; the lesson shows it instead.
            action = type(error).__name__
        states = socket.states()
        note(Note(time.monotonic_ns(), "end", action, frame.f_lineno, states, states))


SAMPLES = {
    sample.name: sample
    for sample in (
        Sample("once", echo_once, echo_once.echo),
        Sample("loop", echo_loop, echo_loop.echo),
    )
}
