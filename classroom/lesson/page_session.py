"""One page's lesson on the server: the connections in its name, and the rows that are sent to it."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Mapping
from typing import Any

from classroom.limits import MAX_CLIENTS, RateLimit
from classroom.refusals import RefusedError

MAX_SESSIONS = 2 * MAX_CLIENTS
MAX_OPEN_SOCKETS = 4
"""Limit of one session: the lesson itself needs two, and runs of all four lanes' programs at once need four."""
MAX_RUN = 1_000_000
MAX_WAITING_ROWS = 1000
"""Limit of the rows that wait for a page that does not read; beyond it, its session ends."""
ACTIONS_PER_S = 10.0
"""Limit of connections, requests and messages of one session."""


class LessonSession:
    """Rows for one page, in the order in which they happened, and its limits."""

    def __init__(self) -> None:
        self.token = secrets.token_urlsafe(16)
        self.rows: asyncio.Queue[str | None] = asyncio.Queue(MAX_WAITING_ROWS)
        """JSON texts; None marks the end, for a page that fell too far behind."""
        self._open: dict[int, list[str]] = {}
        """By the number of each open connection, the messages that its handler has sent."""
        self._rate = RateLimit(ACTIONS_PER_S, time.monotonic_ns())
        self._ended = False

    def send(self, row: Mapping[str, Any]) -> None:
        """Queue a row for the page."""
        if self._ended:
            return
        if self.rows.full():
            self._ended = True
            self.rows.get_nowait()
            self.rows.put_nowait(None)
            return
        self.rows.put_nowait(json.dumps(row))

    def count_action(self) -> None:
        """Count one more connection, request or message; raise RefusedError if they come too fast."""
        if not self._rate.allows(time.monotonic_ns()):
            raise RefusedError(429, f"too fast: expected at most {ACTIONS_PER_S:g} messages a second")

    def open(self, run: int) -> None:
        """Record a new connection with this run number; raise RefusedError if it is not allowed."""
        if run in self._open:
            raise RefusedError(409, f"run {run} is open already: expected a number of its own for each connection")
        if len(self._open) >= MAX_OPEN_SOCKETS:
            raise RefusedError(429, f"too many open connections: expected at most {MAX_OPEN_SOCKETS} of one page")
        self._open[run] = []

    def close(self, run: int) -> None:
        """Record that the connection with this run number is closed."""
        self._open.pop(run, None)

    def record_sent(self, run: int, text: str) -> None:
        """Record a message that the handler of this connection has sent."""
        self._open[run].append(text)

    def sent_after(self, run: int, count: int) -> list[str]:
        """Return the messages after the first `count` that the handler has sent; none if the connection is not open."""
        return self._open.get(run, [])[count:]


class LessonSessions:
    """All sessions of a classroom."""

    def __init__(self) -> None:
        self._sessions: dict[str, LessonSession] = {}

    def begin(self) -> LessonSession:
        """Return a new session with its own token; raise RefusedError if there are too many."""
        if len(self._sessions) >= MAX_SESSIONS:
            raise RefusedError(503, f"too many pages: expected at most {MAX_SESSIONS} lessons at a time")
        session = LessonSession()
        self._sessions[session.token] = session
        return session

    def end(self, session: LessonSession) -> None:
        """End a session, whose token is then invalid."""
        self._sessions.pop(session.token, None)

    def find(self, token: str) -> LessonSession:
        """Return the session of a token; raise RefusedError if there is none."""
        session = self._sessions.get(token)
        if session is None:
            raise RefusedError(403, "session: unknown or over, expected one that /api/lesson gave to an open page")
        return session
