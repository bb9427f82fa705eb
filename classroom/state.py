"""The state that the routes of the classroom share: its runs, its clients, and the teacher's key."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fastapi import HTTPException, Request
from starlette.requests import HTTPConnection

from classroom.access import Access
from classroom.allowed_hosts import Addresses
from classroom.lanes.accounts import Accounts
from classroom.lanes.clients import Client, Clients
from classroom.lesson.page_session import LessonSessions
from classroom.published_events import RecordingLog
from classroom.runs import Runs

TEACHER_KEY_HEADER = "X-Teacher-Key"
TEACHER_KEY_PARAMETER = "key"

WRONG_KEY = "this is not the key of this classroom's teacher: open the address with ?key= that its start has printed"


@dataclass
class ClassroomState:
    """The state of one classroom, for the life of its process."""

    addresses: Addresses
    log: RecordingLog
    accounts: Accounts
    clients: Clients
    runs: Runs
    lesson: LessonSessions = field(default_factory=LessonSessions)
    access: Access = field(default_factory=Access.draw)
    is_access_kept: bool = False
    """Whether the next classroom on the same port has the same key and code."""
    vote_file: Path | None = None
    """The file that keeps the class's vote for the next classroom; None if nothing is kept."""
    inbound: dict[str, Callable[[Client, dict[str, Any]], None]] = field(default_factory=dict)
    """Functions for the page's messages on the live socket, by `type`; they raise ValueError for invalid ones."""
    teacher_news: list[Callable[[], dict[str, Any] | None]] = field(default_factory=list)
    """Functions called once a second for a message to the teacher's pages, in class mode."""
    notices: list[Callable[[Client], dict[str, Any]]] = field(default_factory=list)
    """Functions that return a message for a page, which is sent when the page opens and whenever it has changed."""

    instance: str = field(default_factory=lambda: secrets.token_hex(8))
    """A random text by which a page notices that the classroom at its address was restarted."""
    clock_sockets: int = 0

    @property
    def mode(self) -> str:
        """`solo` if only this machine can reach it, `class` if others can join."""
        return "solo" if self.addresses.solo else "class"

    def is_teacher(self, key: str | None) -> bool:
        """Return whether this is the teacher's key; on loopback everyone is a teacher."""
        return self.addresses.solo or (
            key is not None and secrets.compare_digest(key.encode(), self.access.teacher_key.encode())
        )

    def attend(self, client: Client, change: int) -> None:
        """Record that a page of this client has opened (+1) or closed (-1)."""
        client.sockets += change
        client.seen_ns = time.monotonic_ns()
        if change > 0:
            client.entered_ns = client.seen_ns
        here = [other for other in self.clients if other.sockets]
        if not any(other.teacher for other in here):
            self.runs.auto = True  # no teacher is in control; pages are informed with their next tick
        self.runs.set_watched(bool(here))


def state_of(connection: HTTPConnection) -> ClassroomState:
    """Return the classroom that serves this request or WebSocket."""
    state: ClassroomState = connection.app.state.classroom
    return state


def require_teacher(request: Request) -> None:
    """Allow a route only to the teacher, as its dependency."""
    key = request.headers.get(TEACHER_KEY_HEADER)
    if not state_of(request).is_teacher(key):
        without = f"only the teacher may do this: send the key from the start page as {TEACHER_KEY_HEADER}"
        raise HTTPException(403, WRONG_KEY if key else without)
