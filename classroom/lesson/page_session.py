"""One page's lesson on the server: who may open connections in its name, and what is told to it."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Mapping
from typing import Any

from classroom.limits import MAX_CLIENTS, RateLimit

MAX_SESSIONS = 2 * MAX_CLIENTS
MAX_OPEN_SOCKETS = 4
"""Of one session; the lesson itself needs two."""
MAX_RUN = 1_000_000
MAX_UNTOLD = 1000
"""Rows waiting for a page that does not read; beyond, its session ends."""
ACTIONS_PER_S = 10.0
"""Connections, requests and messages of one session."""


class RefusedError(Exception):
    """Why something is not done, in one sentence, with the status that fits."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


class LessonSession:
    """Rows for one page, in the order in which they happened, and its limits."""

    def __init__(self) -> None:
        self.token = secrets.token_urlsafe(16)
        self.rows: asyncio.Queue[str | None] = asyncio.Queue(MAX_UNTOLD)
        """JSON texts; None is the end, for a page that fell too far behind."""
        self._open: set[int] = set()
        self._rate = RateLimit(ACTIONS_PER_S, time.monotonic_ns())
        self._ended = False

    def tell(self, row: Mapping[str, Any]) -> None:
        """Put a row behind those not sent yet."""
        if self._ended:
            return
        if self.rows.full():
            self._ended = True
            self.rows.get_nowait()
            self.rows.put_nowait(None)
            return
        self.rows.put_nowait(json.dumps(row))

    def count_action(self) -> None:
        """One more connection, request or message; RefusedError where they come too fast."""
        if not self._rate.allows(time.monotonic_ns()):
            raise RefusedError(429, f"too fast: expected at most {ACTIONS_PER_S:g} messages a second")

    def open(self, run: int) -> None:
        """A WebSocket that carries this run number begins."""
        if run in self._open:
            raise RefusedError(409, f"run {run} is open already: expected a number of its own for each connection")
        if len(self._open) >= MAX_OPEN_SOCKETS:
            raise RefusedError(429, f"too many open connections: expected at most {MAX_OPEN_SOCKETS} of one page")
        self._open.add(run)

    def close(self, run: int) -> None:
        """It is over."""
        self._open.discard(run)


class LessonSessions:
    """All sessions of a classroom."""

    def __init__(self) -> None:
        self._sessions: dict[str, LessonSession] = {}

    def begin(self) -> LessonSession:
        """A new session with a token of its own; RefusedError where there are too many."""
        if len(self._sessions) >= MAX_SESSIONS:
            raise RefusedError(503, f"too many pages: expected at most {MAX_SESSIONS} lessons at a time")
        session = LessonSession()
        self._sessions[session.token] = session
        return session

    def end(self, session: LessonSession) -> None:
        """Its token is worth nothing from now on."""
        self._sessions.pop(session.token, None)

    def find(self, token: str) -> LessonSession:
        """RefusedError where there is none."""
        session = self._sessions.get(token)
        if session is None:
            raise RefusedError(403, "session: unknown or over, expected one that /api/lesson gave to an open page")
        return session
