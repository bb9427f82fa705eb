"""The programs of the lesson and of the lanes: their source as shipped, and their handlers as run."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import partial
from types import CoroutineType, ModuleType
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from classroom.lesson.samples import echo_loop, echo_once, long_poll, push, short_poll, sse
from classroom.lesson.traced_websocket import Note, TracedWebSocket


@dataclass(frozen=True, slots=True)
class Program:
    """One program, whose file is shown."""

    name: str
    """The name in its route, /lesson/<name>."""
    module: ModuleType
    handler: Callable[..., Any]

    @property
    def app(self) -> ASGIApp:
        """The program as it runs by itself."""
        app: ASGIApp = self.module.app
        return app

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
        """Return the program for the page: the file's name and text, and where the handler is in it."""
        return {
            "name": self.name,
            "handler": self.handler.__name__,
            "path": f"{self.module.__name__.replace('.', '/')}.py",
            "source": inspect.getsource(self.module),
            "first_line": self.first_line,
            "last_line": self.last_line,
        }


class Sample(Program):
    """A program whose WebSocket is traced step by step."""

    async def run(self, scope: Scope, receive: Receive, send: Send, note: Callable[[Note], None]) -> None:
        """Serve one connection with the sample's own handler, and record every step of it."""
        socket = TracedWebSocket(scope, receive, send, note)
        before = socket.states()
        note(Note(time.monotonic_ns(), "start", "upgrade", self.first_line, before, before))
        action = "return"
        running = self.handler(socket)
        assert isinstance(running, CoroutineType)
        frame = running.cr_frame  # keeps the last line that ran, even after the coroutine's end
        assert frame is not None
        source = inspect.getsource(self.module).splitlines()

        def note_wait() -> None:
            if socket.is_called:
                return  # the socket records its own calls
            states = socket.states()
            waits_for = source[frame.f_lineno - 1].strip().removeprefix("await ")
            note(Note(time.monotonic_ns(), "wait", waits_for, frame.f_lineno, states, states))

        try:
            await _Watched(running, note_wait)
        except Exception as error:
            # uvicorn would log this as an error of the app; the lesson shows it instead.
            action = type(error).__name__
        states = socket.states()
        note(Note(time.monotonic_ns(), "end", action, frame.f_lineno, states, states))


class _Watched:
    """Awaits a coroutine, and calls `on_wait` each time it suspends."""

    def __init__(self, running: CoroutineType[Any, Any, None], on_wait: Callable[[], None]) -> None:
        self._running = running
        self._on_wait = on_wait

    def __await__(self) -> Generator[Any, Any, None]:
        resume: Callable[[], Any] = partial(self._running.send, None)
        while True:
            try:
                awaited = resume()
            except StopIteration:
                return
            self._on_wait()
            try:
                resume = partial(self._running.send, (yield awaited))
            except BaseException as error:  # pass on what the event loop throws in, such as a cancellation
                resume = partial(self._running.throw, error)


SAMPLES = {
    sample.name: sample
    for sample in (
        Sample("once", echo_once, echo_once.echo),
        Sample("loop", echo_loop, echo_loop.echo),
        Sample("push", push, push.push),
    )
}

HTTP_PROGRAMS = {
    program.name: program
    for program in (
        Program("sse", sse, sse.sse),
        Program("long_poll", long_poll, long_poll.long_poll),
        Program("short_poll", short_poll, short_poll.short_poll),
    )
}
"""Programs over HTTP, by the transport of the lane that they explain."""

LANE_PROGRAMS: dict[str, Program] = {"websocket": SAMPLES["push"], **HTTP_PROGRAMS}
"""The program that explains each lane of the page, by its transport."""
