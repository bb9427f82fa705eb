"""The lesson's port: its app on a loopback port, and the relay before it that delays, listens and counts."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from classroom.allowed_hosts import Addresses
from classroom.lanes.server import serving_lane, upstream_listener
from classroom.lesson.app import LessonAccess, create_lesson_app
from classroom.lesson.page_session import LessonSessions
from classroom.lesson.samples.news import News
from classroom.lesson.wire_units import Taps
from classroom.limits import MAX_CONNECTIONS
from servers.relay.delay_relay import DelayRelay


@asynccontextmanager
async def serving_lesson(
    addresses: Addresses, sessions: LessonSessions, public: socket.socket, one_way_delay_ms: float
) -> AsyncIterator[None]:
    """Serve the lesson on the listening socket `public`."""
    taps, news = Taps(), News()
    app = create_lesson_app(LessonAccess(addresses, sessions, taps), news)
    with upstream_listener() as upstream:
        relay = DelayRelay(upstream.getsockname()[:2], one_way_delay_ms, max_connections=MAX_CONNECTIONS, tap=taps.tap)
        async with news.publishing(), serving_lane(app, upstream, public, relay):
            yield
