"""The lesson's own server: the samples over WebSockets, the same by polling, and the programs of the other lanes.

Each connection belongs to the session of a page (`session`) and carries that page's number for it (`run`); what happens
on it is sent to the page over /api/lesson (see classroom/lesson/feed.py).
"""

from __future__ import annotations

import asyncio
import dataclasses
import time
from abc import ABC, abstractmethod
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.types import Message, Receive, Scope, Send

from classroom.allowed_hosts import Addresses
from classroom.lesson.page_session import MAX_RUN, LessonSession, LessonSessions
from classroom.lesson.sample_programs import HTTP_PROGRAMS, SAMPLES, Program, Sample
from classroom.lesson.samples.news import News
from classroom.lesson.traced_websocket import Note
from classroom.lesson.wire_units import Taps, Unit
from classroom.refusals import RefusedError

ECHO_PATH = "/lesson/echo"
SENT_PATH = "/lesson/sent"
PROGRAM_PATH = "/news"
"""The path that the lanes' programs have in their own files."""
MAX_MESSAGE_CHARACTERS = 200
MAX_BODY_BYTES = 4 * MAX_MESSAGE_CHARACTERS
"""UTF-8 needs up to four bytes for a character."""
MAX_LIFE_S = 1800.0
"""A connection that is still open after this time is closed."""
_TIME_IS_OVER = "this connection's time is over: the lesson closes it"


class LessonAccess:
    """Checks who may use the lesson's server, and sends each page the traffic of its connections."""

    def __init__(self, addresses: Addresses, sessions: LessonSessions, taps: Taps) -> None:
        self._addresses = addresses
        self._sessions = sessions
        self._taps = taps

    def origin(self, scope: Scope) -> str:
        """Return the origin of the classroom's own page; raise RefusedError for any other."""
        host = self._addresses.host_of(scope["headers"], self._addresses.lesson_port)
        return self._addresses.origin_of(scope["headers"], host)

    def session(self, scope: Scope) -> LessonSession:
        """Return the session of the page that sent the request."""
        return self._sessions.find(_query(scope).get("session", ""))

    def send_units(self, session: LessonSession, scope: Scope, named: dict[str, int]) -> None:
        """Send the session a row with these fields for each message and frame of this request that passes the relay."""
        host, port = scope["client"]
        if connection := self._taps.find((host, port)):

            def send_unit(direction: str, unit: Unit, arrived_ns: int) -> None:
                row = {"type": "wire", "direction": direction, "at_ns": arrived_ns}
                session.send(row | named | dataclasses.asdict(unit))

            connection.listen(send_unit)


def create_lesson_app(access: LessonAccess, news: News, max_life_s: float = MAX_LIFE_S) -> Starlette:
    """Return the app on the lesson's port; `news` is what the lanes' programs deliver."""
    programs = HTTP_PROGRAMS.values()
    return Starlette(
        routes=[
            *(
                WebSocketRoute(f"/lesson/{one.name}", _SampleEndpoint(one, access, max_life_s))
                for one in SAMPLES.values()
            ),
            *(Route(f"/lesson/{one.name}", _ProgramEndpoint(access, one, news, max_life_s)) for one in programs),
            Route(ECHO_PATH, _EchoEndpoint(access), methods=["POST"]),
            Route(SENT_PATH, _SentEndpoint(access), methods=["GET"]),
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
                session.send({"type": "refused", "detail": error.detail})
            await error.response()(scope, receive, send)
            return
        self._access.send_units(session, scope, {"run": run})
        limited = _Limited(receive, send, session, time.monotonic() + self._max_life_s)

        def send_note(note: Note) -> None:
            if note.kind == "done" and note.action == "send_text" and note.text is not None:
                session.record_sent(run, note.text)
            session.send({"type": "note", "run": run} | dataclasses.asdict(note))

        try:
            await self._sample.run(scope, limited.receive, limited.send, send_note)
        finally:
            session.close(run)


class _Limited:
    """A sample's connection, which ends if a message or its duration exceeds the limits."""

    def __init__(self, receive: Receive, send: Send, session: LessonSession, ends_at_s: float) -> None:
        self._receive = receive
        self._send = send
        self._session = session
        self._ends_at_s = ends_at_s

    async def send(self, message: Message) -> None:
        """Send a message; once the time is over, close instead, and fail as a lost connection does."""
        if message["type"] == "websocket.send" and time.monotonic() >= self._ends_at_s:
            await self._refuse(1001, _TIME_IS_OVER)
            raise ConnectionAbortedError(_TIME_IS_OVER)
        await self._send(message)

    async def receive(self) -> Message:
        """Return the next message, or a disconnect if it is refused."""
        try:
            message = await asyncio.wait_for(self._receive(), max(0.0, self._ends_at_s - time.monotonic()))
        except TimeoutError:
            return await self._refuse(1001, _TIME_IS_OVER)
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
        self._session.send({"type": "refused", "detail": reason})
        await self._send({"type": "websocket.close", "code": code, "reason": reason})
        return {"type": "websocket.disconnect", "code": code, "reason": reason}


class _PageEndpoint(ABC):
    """A route for requests of the classroom's own page, which has another port."""

    def __init__(self, access: LessonAccess) -> None:
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or refuse it in one sentence."""
        try:
            origin = self._access.origin(scope)
        except RefusedError as error:
            await error.response()(scope, receive, send)
            return
        readable = _readable_by(origin, send)
        try:
            session = self._access.session(scope)
            run = _number(scope, "run")
            session.count_action()
            await self._answer(session, run, scope, receive, readable)
        except RefusedError as error:
            await error.response()(scope, receive, readable)

    @abstractmethod
    async def _answer(self, session: LessonSession, run: int, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request of this session, or raise RefusedError before anything is sent."""


class _EchoEndpoint(_PageEndpoint):
    """Answers a POST of plain text with `Received: …`: what the echoes do, with a request per message."""

    async def _answer(self, session: LessonSession, run: int, scope: Scope, receive: Receive, send: Send) -> None:
        arrived_ns = time.monotonic_ns()
        n = _number(scope, "n")
        text = await _body_text(Request(scope, receive))
        self._access.send_units(session, scope, {"run": run, "exchange": n})
        answer = f"Received: {text}"
        session.send(
            {"type": "exchange", "run": run, "exchange": n, "text": text, "answer": answer}
            | {"arrived_ns": arrived_ns, "answered_ns": time.monotonic_ns()}
        )
        await PlainTextResponse(answer)(scope, receive, send)


class _SentEndpoint(_PageEndpoint):
    """Answers with what the handler of an open connection has sent so far: how a poll learns what it pushes."""

    async def _answer(self, session: LessonSession, run: int, scope: Scope, receive: Receive, send: Send) -> None:
        n, after = _number(scope, "n"), _number(scope, "after", least=0)
        self._access.send_units(session, scope, {"run": run, "exchange": n})
        await JSONResponse(session.sent_after(run, after))(scope, receive, send)


class _ProgramEndpoint(_PageEndpoint):
    """Answers with the app of a program, as it is in its file."""

    def __init__(self, access: LessonAccess, program: Program, news: News, max_life_s: float) -> None:
        super().__init__(access)
        self._program = program
        self._news = news
        self._max_life_s = max_life_s

    async def _answer(self, session: LessonSession, run: int, scope: Scope, receive: Receive, send: Send) -> None:
        session.open(run)
        state = {"news": self._news}
        own: Scope = {**scope, "path": PROGRAM_PATH, "raw_path": PROGRAM_PATH.encode(), "state": state}
        try:
            async with asyncio.timeout(self._max_life_s):
                await self._program.app(own, receive, send)
        except TimeoutError:
            await send({"type": "http.response.body", "body": b""})  # a stream is over; no other answer takes so long
        except ClientDisconnect:
            pass
        finally:
            session.close(run)


def _readable_by(origin: str, send: Send) -> Send:
    """Return `send` extended by the headers that let a page of another port read the answer and its times."""
    headers = [(name, origin.encode("latin-1")) for name in (b"access-control-allow-origin", b"timing-allow-origin")]

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), *headers]
        await send(message)

    return sending


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


def _number(scope: Scope, name: str, least: int = 1) -> int:
    given = _query(scope).get(name, "")
    if given.isascii() and given.isdecimal() and len(given) <= len(str(MAX_RUN)) and least <= int(given) <= MAX_RUN:
        return int(given)
    raise RefusedError(422, f"{name}: {ascii(given)[:80]} is not a whole number from {least} to {MAX_RUN}")


def _query(scope: Scope) -> dict[str, str]:
    return dict(parse_qsl(scope["query_string"].decode("latin-1")))
