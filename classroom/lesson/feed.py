"""The WebSocket /api/lesson: gives a page its session, and sends it a row for everything on the lesson's port."""

from __future__ import annotations

import asyncio
import contextlib

from fastapi import APIRouter, WebSocket
from starlette.websockets import WebSocketDisconnect

from classroom.lesson.app import MAX_LIFE_S, MAX_MESSAGE_CHARACTERS
from classroom.lesson.page_session import LessonSession, LessonSessions
from classroom.lesson.sample_programs import LANE_PROGRAMS, SAMPLES
from classroom.refusals import RefusedError

_POLICY_VIOLATION = 1008
_TRY_AGAIN_LATER = 1013


def lesson_router(sessions: LessonSessions, port: int) -> APIRouter:
    """Return the route of the lesson whose server listens on `port`."""
    router = APIRouter()

    @router.websocket("/api/lesson")
    async def follow_lesson(socket: WebSocket) -> None:
        """Open a session for as long as this socket is open."""
        try:
            session = sessions.begin()
        except RefusedError as error:
            await socket.send_denial_response(error.response())
            return
        try:
            await socket.accept()
            await _send_records(socket, session, port)
        finally:
            sessions.end(session)

    return router


async def _send_records(socket: WebSocket, session: LessonSession, port: int) -> None:
    hello = {
        "type": "hello",
        "session": session.token,
        "port": port,
        "samples": {name: sample.described() for name, sample in SAMPLES.items()},
        "programs": {transport: program.described() for transport, program in LANE_PROGRAMS.items()},
        "max_message_characters": MAX_MESSAGE_CHARACTERS,
        "max_life_s": MAX_LIFE_S,
    }
    with contextlib.suppress(WebSocketDisconnect):
        await socket.send_json(hello)
        listening = asyncio.ensure_future(socket.receive())
        sending = asyncio.ensure_future(_send_rows(socket, session))
        try:
            await asyncio.wait({listening, sending}, return_when=asyncio.FIRST_COMPLETED)
            if sending.done() and sending.exception() is None:
                await socket.close(_TRY_AGAIN_LATER, "this page reads too slowly to follow its lesson")
            elif listening.done() and listening.result()["type"] == "websocket.receive":
                await socket.close(_POLICY_VIOLATION, "this socket tells the lesson; it expects no messages")
        finally:
            for task in (listening, sending):
                task.cancel()
            await asyncio.gather(listening, sending, return_exceptions=True)


async def _send_rows(socket: WebSocket, session: LessonSession) -> None:
    """Send rows until the page has fallen too far behind."""
    while (row := await session.rows.get()) is not None:
        await socket.send_text(row)
