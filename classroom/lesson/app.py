"""The lesson's own server: the two samples over WebSockets, and the same echo over POST, as polling would do it.

Each connection belongs to the session of a page (`session`) and carries that page's number for it (`run`); what happens
on it is sent to the page over /api/lesson (see classroom/lesson/feed.py).
"""

from __future__ import annotations

import asyncio
import dataclasses
import time
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from classroom.allowed_hosts import Addresses
from classroom.lesson.page_session import MAX_RUN, LessonSession, LessonSessions, RefusedError
from classroom.lesson.sample_programs import SAMPLES, Sample
from classroom.lesson.traced_websocket import Note
from classroom.lesson.wire_units import Taps, Unit

ECHO_PATH = "/lesson/echo"
MAX_MESSAGE_CHARACTERS = 200
MAX_BODY_BYTES = 4 * MAX_MESSAGE_CHARACTERS
"""UTF-8 needs up to four bytes for a character."""
MAX_LIFE_S = 1800.0
"""A connection that is still open after this time is closed."""


class LessonAccess:
    """Checks who may use the lesson's server, and sends their pages what passes on the wire."""

    def __init__(self, addresses: Addresses, sessions: LessonSessions, taps: Taps) -> None:
        self._addresses = addresses
        self._sessions = sessions
        self._taps = taps

    def origin(self, scope: Scope) -> str:
        """Return the origin of the classroom's own page; raise RefusedError for any other."""
        host = self._addresses.host_of(scope["headers"], self._addresses.lesson_port)
        if host is None:
            raise RefusedError(403, "the Host header does not name this classroom")
        origin = self._addresses.origin_of(scope["headers"], host)
        if origin is None:
            raise RefusedError(403, f"the Origin must be the classroom's own page, {self._addresses.origin(host)}")
        return origin

    def session(self, scope: Scope) -> LessonSession:
        """Return the session of the page that sent the request."""
        return self._sessions.find(_query(scope).get("session", ""))

    def tell_units(self, session: LessonSession, scope: Scope, named: dict[str, int]) -> None:
        """Tell the session what passes the relay for this request, as it does, under these names."""
        host, port = scope["client"]
        if connection := self._taps.find((host, port)):

            def tell_unit(direction: str, unit: Unit, arrived_ns: int) -> None:
                row = {"type": "wire", "direction": direction, "at_ns": arrived_ns}
                session.tell(row | named | dataclasses.asdict(unit))

            connection.listen(tell_unit)


def create_lesson_app(access: LessonAccess, max_life_s: float = MAX_LIFE_S) -> Starlette:
    """Return the app on the lesson's port."""
    samples = SAMPLES.values()
    return Starlette(
        routes=[
            *(WebSocketRoute(f"/lesson/{one.name}", _SampleEndpoint(one, access, max_life_s)) for one in samples),
            Route(ECHO_PATH, _EchoEndpoint(access), methods=["POST"]),
        ]
    )


class _SampleEndpoint:
    """A WebSocket route whose handler is the sample's own."""

    def __init__(self, sample: Sample, access: LessonAccess, max_life_s: float) -> None:
        self._sample = sample
        self._access = access
        self._max_life_s = max_life_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        session = None
        try:
            self._access.origin(scope)
            session = self._access.session(scope)
            run = _number(scope, "run")
            session.count_action()
            session.open(run)
        except RefusedError as error:
            if session is not None:
                session.tell({"type": "refused", "detail": error.detail})
            await WebSocket(scope, receive, send).send_denial_response(_refusal(error))
            return
        self._access.tell_units(session, scope, {"run": run})
        limited = _Limited(receive, send, session, time.monotonic() + self._max_life_s)

        def tell_note(note: Note) -> None:
            session.tell({"type": "note", "run": run} | dataclasses.asdict(note))

        try:
            await self._sample.run(scope, limited.receive, limited.send, tell_note)
        finally:
            session.close(run)


class _Limited:
    """A sample's connection, which ends if a message or its duration exceeds the limits."""

    def __init__(self, receive: Receive, send: Send, session: LessonSession, ends_at_s: float) -> None:
        self._receive = receive
        self._session = session
        self._ends_at_s = ends_at_s
        self._closed = False
        self.send = send

    async def receive(self) -> Message:
        """Return the next message, or a disconnect if it is refused."""
        try:
            message = await asyncio.wait_for(self._receive(), max(0.0, self._ends_at_s - time.monotonic()))
        except TimeoutError:
            return await self._refuse(1001, "this connection's time is over: the lesson closes it")
        if message["type"] != "websocket.receive":
            return message
        text = message.get("text")
        if text is None:
            return await self._refuse(1003, "only text messages are echoed")
        if len(text) > MAX_MESSAGE_CHARACTERS:
            return await self._refuse(1009, f"message too long: expected at most {MAX_MESSAGE_CHARACTERS} characters")
        try:
            self._session.count_action()
        except RefusedError as error:
            return await self._refuse(1008, error.detail)
        return message

    async def _refuse(self, code: int, reason: str) -> Message:
        self._session.tell({"type": "refused", "detail": reason})
        await self.send({"type": "websocket.close", "code": code, "reason": reason})
        return {"type": "websocket.disconnect", "code": code, "reason": reason}


class _EchoEndpoint:
    """Answers a POST of plain text with `Received: …`: what the samples do, with a request per message."""

    def __init__(self, access: LessonAccess) -> None:
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        arrived_ns = time.monotonic_ns()
        response: Response
        try:
            origin = self._access.origin(scope)
        except RefusedError as error:
            await _refusal(error)(scope, receive, send)
            return
        try:
            response = await self._answer(Request(scope, receive, send), arrived_ns)
        except RefusedError as error:
            response = _refusal(error)
        # These let a page of another port read the answer and its times.
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Timing-Allow-Origin"] = origin
        await response(scope, receive, send)

    async def _answer(self, request: Request, arrived_ns: int) -> Response:
        session = self._access.session(request.scope)
        run, n = _number(request.scope, "run"), _number(request.scope, "n")
        session.count_action()
        text = await _body_text(request)
        self._access.tell_units(session, request.scope, {"run": run, "exchange": n})
        answer = f"Received: {text}"
        session.tell(
            {"type": "exchange", "run": run, "exchange": n, "text": text, "answer": answer}
            | {"arrived_ns": arrived_ns, "answered_ns": time.monotonic_ns()}
        )
        return PlainTextResponse(answer)


async def _body_text(request: Request) -> str:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY_BYTES:
            break
    try:
        text = body.decode()
    except UnicodeDecodeError:
        if len(body) <= MAX_BODY_BYTES:
            raise RefusedError(422, "the message is not UTF-8 text") from None
        text = ""
    if len(body) > MAX_BODY_BYTES or len(text) > MAX_MESSAGE_CHARACTERS:
        raise RefusedError(413, f"message too long: expected at most {MAX_MESSAGE_CHARACTERS} characters")
    return text


def _number(scope: Scope, name: str) -> int:
    given = _query(scope).get(name, "")
    if given.isascii() and given.isdecimal() and len(given) <= len(str(MAX_RUN)) and 1 <= int(given) <= MAX_RUN:
        return int(given)
    raise RefusedError(422, f"{name}: {ascii(given)[:80]} is not a whole number from 1 to {MAX_RUN}")


def _query(scope: Scope) -> dict[str, str]:
    return dict(parse_qsl(scope["query_string"].decode("latin-1")))


def _refusal(error: RefusedError) -> JSONResponse:
    return JSONResponse({"detail": error.detail}, error.status)
