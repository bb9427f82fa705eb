"""The lesson's own server: the two samples over WebSockets, and the same echo over POST, which is how polling would do.

Each connection belongs to the session of a page (`session`) and carries that page's number for it (`run`); what happens
is told to the page over /api/lesson (see classroom/lesson_feed.py).
"""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import Callable

from starlette.applications import Starlette
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from classroom.lesson_samples import SAMPLES, Sample
from classroom.lesson_session import MAX_RUN, LessonSession, LessonSessions, RefusedError
from classroom.lesson_trace import Note
from classroom.lesson_wire import Unit

ECHO_PATH = "/lesson/echo"
MAX_MESSAGE_CHARACTERS = 200
MAX_BODY_BYTES = 4 * MAX_MESSAGE_CHARACTERS
"""UTF-8 needs up to four for a character."""
MAX_LIFE_S = 1800.0
"""A connection that nobody closes is closed then."""

OriginCheck = Callable[[str | None], bool]
"""Whether a page of this Origin (None: the header is missing) may use the classroom."""


def create_lesson_app(
    sessions: LessonSessions, is_own_origin: OriginCheck, max_life_s: float = MAX_LIFE_S
) -> Starlette:
    """The app on the lesson's port."""
    routes = [
        *(
            WebSocketRoute(f"/lesson/{sample.name}", _SampleEndpoint(sample, sessions, is_own_origin, max_life_s))
            for sample in SAMPLES.values()
        ),
        Route(ECHO_PATH, _EchoEndpoint(sessions, is_own_origin), methods=["POST"]),
    ]
    return Starlette(routes=routes)


class _SampleEndpoint:
    """A WebSocket route whose handler is the sample's own."""

    def __init__(self, sample: Sample, sessions: LessonSessions, is_own_origin: OriginCheck, max_life_s: float) -> None:
        self._sample = sample
        self._sessions = sessions
        self._is_own_origin = is_own_origin
        self._max_life_s = max_life_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asking = WebSocket(scope, receive, send)
        session = None
        try:
            _check_origin(asking, self._is_own_origin)
            session = self._sessions.find(asking.query_params.get("session", ""))
            run = _number(asking, "run")
            session.count_start()
            session.open(run)
        except RefusedError as error:
            if session is not None:
                session.tell({"type": "refused", "detail": error.detail})
            await asking.send_denial_response(_refusal(error))
            return
        _tell_units(self._sessions, session, scope, {"run": run})
        limited = _Limited(receive, send, session, time.monotonic() + self._max_life_s)

        def tell_note(note: Note) -> None:
            session.tell({"type": "note", "run": run} | dataclasses.asdict(note))

        try:
            await self._sample.run(scope, limited.receive, limited.send, tell_note)
        finally:
            session.close(run)


class _Limited:
    """What a sample receives and sends, cut off where a message or the connection's life is over the limits."""

    def __init__(self, receive: Receive, send: Send, session: LessonSession, ends_at_s: float) -> None:
        self._receive = receive
        self._session = session
        self._ends_at_s = ends_at_s
        self._closed = False
        self.send = send

    async def receive(self) -> Message:
        """The next message, or a disconnect where it is refused."""
        try:
            message = await asyncio.wait_for(self._receive(), max(0.0, self._ends_at_s - time.monotonic()))
        except TimeoutError:
            return await self._refuse(1001, "this connection's time is over: the lesson closes what nobody does")
        if message["type"] != "websocket.receive":
            return message
        text = message.get("text")
        if text is None:
            return await self._refuse(1003, "only text messages are echoed")
        if len(text) > MAX_MESSAGE_CHARACTERS:
            return await self._refuse(1009, f"message too long: expected at most {MAX_MESSAGE_CHARACTERS} characters")
        try:
            self._session.count_start()
        except RefusedError as error:
            return await self._refuse(1008, error.detail)
        return message

    async def _refuse(self, code: int, reason: str) -> Message:
        self._session.tell({"type": "refused", "detail": reason})
        await self.send({"type": "websocket.close", "code": code, "reason": reason})
        return {"type": "websocket.disconnect", "code": code, "reason": reason}


class _EchoEndpoint:
    """`Received: …` as the answer to a POST of plain text: what the samples do, with a request for each message."""

    def __init__(self, sessions: LessonSessions, is_own_origin: OriginCheck) -> None:
        self._sessions = sessions
        self._is_own_origin = is_own_origin

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        arrived_ns = time.monotonic_ns()
        request = Request(scope, receive, send)
        try:
            response = await self._answer(request, arrived_ns)
        except RefusedError as error:
            response = _refusal(error)
        origin = request.headers.get("origin")
        if origin is not None and self._is_own_origin(origin):
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Timing-Allow-Origin"] = origin
            response.headers["Vary"] = "Origin"
        await response(scope, receive, send)

    async def _answer(self, request: Request, arrived_ns: int) -> Response:
        _check_origin(request, self._is_own_origin)
        session = self._sessions.find(request.query_params.get("session", ""))
        run, n = _number(request, "run"), _number(request, "n")
        session.count_start()
        text = await _body_text(request)
        _tell_units(self._sessions, session, request.scope, {"run": run, "exchange": n})
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


def _check_origin(connection: HTTPConnection, is_own_origin: OriginCheck) -> None:
    origin = connection.headers.get("origin")
    if not is_own_origin(origin):
        raise RefusedError(403, f"Origin: {ascii(origin)[:80]} is not this classroom's page")


def _number(connection: HTTPConnection, name: str) -> int:
    given = connection.query_params.get(name, "")
    if given.isascii() and given.isdecimal() and len(given) <= len(str(MAX_RUN)) and 1 <= int(given) <= MAX_RUN:
        return int(given)
    raise RefusedError(422, f"{name}: {ascii(given)[:80]} is not a whole number from 1 to {MAX_RUN}")


def _tell_units(sessions: LessonSessions, session: LessonSession, scope: Scope, named: dict[str, int]) -> None:
    """Tell the session what passes the relay for this request, as it does, under these names."""
    port = scope["client"][1] if scope.get("client") else 0
    if connection := sessions.tapped(port):

        def tell_unit(direction: str, unit: Unit, arrived_ns: int) -> None:
            row = {"type": "wire", "direction": direction, "at_ns": arrived_ns}
            session.tell(row | named | dataclasses.asdict(unit))

        connection.listen(tell_unit)


def _refusal(error: RefusedError) -> JSONResponse:
    return JSONResponse({"detail": error.detail}, error.status)
