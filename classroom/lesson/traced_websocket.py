"""A WebSocket of Starlette that records every call made to it: its line, its time, and the states before and after.

The samples are served with it in place of the plain class, without any change of their code.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class States:
    """Starlette's states of both sides of a connection, by the names of `WebSocketState`."""

    application_state: str
    client_state: str


@dataclass(frozen=True, slots=True)
class Note:
    """One moment in the life of a handler."""

    at_ns: int
    """CLOCK_MONOTONIC."""
    kind: str
    """`start` of the handler, `call` of a method, `done` or `failed` when the call returned, `wait` for something else,
    `end` of the handler."""
    action: str
    """The method; `upgrade` at the start; what is awaited, as in the source, for `wait`; `return`, or the exception's
    name, at the end."""
    line: int
    """The line in the sample's file."""
    before: States
    """The states at the start of what is recorded; for `done` and `failed`, when the call was made."""
    after: States
    text: str | None = None
    """The message received or sent."""
    code: int | None = None
    """The code of a close that was received or sent."""


class TracedWebSocket(WebSocket):
    """Calls `note` before and after each of Starlette's own methods."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, note: Callable[[Note], None]) -> None:
        super().__init__(scope, receive, send)
        self._note = note
        self.is_called = False
        """Whether one of its methods is being awaited."""

    # Plain functions that return a coroutine: at the time of the call, the caller's frame is one above.
    def accept(
        self, subprotocol: str | None = None, headers: Iterable[tuple[bytes, bytes]] | None = None
    ) -> Coroutine[Any, Any, None]:
        return self._traced("accept", _callers_line(), super().accept(subprotocol, headers))

    def receive_text(self) -> Coroutine[Any, Any, str]:
        return self._traced("receive_text", _callers_line(), super().receive_text())

    def send_text(self, data: str) -> Coroutine[Any, Any, None]:
        return self._traced("send_text", _callers_line(), super().send_text(data), text=data)

    def close(self, code: int = 1000, reason: str | None = None) -> Coroutine[Any, Any, None]:
        return self._traced("close", _callers_line(), super().close(code, reason), code=code)

    def states(self) -> States:
        """Return the present states."""
        return States(self.application_state.name, self.client_state.name)

    async def _traced(
        self, action: str, line: int, call: Coroutine[Any, Any, _T], text: str | None = None, code: int | None = None
    ) -> _T:
        before = self.states()
        self._note(Note(time.monotonic_ns(), "call", action, line, before, before, text, code))
        self.is_called = True
        try:
            result = await call
        except Exception as error:
            if isinstance(error, WebSocketDisconnect):
                code = error.code
            self._note(Note(time.monotonic_ns(), "failed", action, line, before, self.states(), text, code))
            raise
        finally:
            self.is_called = False
        if isinstance(result, str):
            text = result
        self._note(Note(time.monotonic_ns(), "done", action, line, before, self.states(), text, code))
        return result


def _callers_line() -> int:
    return sys._getframe(2).f_lineno
