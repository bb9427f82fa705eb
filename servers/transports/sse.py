"""Server-sent events: one endless response, a loop over the log."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, FastAPI, Header, Request, Response
from starlette.requests import HTTPConnection
from starlette.types import Receive, Scope, Send

from contract import wire
from servers.api.app import Adapter, assemble
from servers.api.cursor import MAX_CURSOR, TOO_OLD_RESPONSE, After
from servers.events.hub import EventHub, hub_of
from servers.events.log import EncodedEvent, Follower, Framing
from servers.events.trace import NAMED_CLIENT, delivery_recorder

LastEventId = Annotated[
    int | None,
    Header(alias="Last-Event-ID", ge=0, le=MAX_CURSOR, description="overrides `after`: where a browser resumes"),
]

router = APIRouter(tags=["sse"])


class EventStream(Response):
    """Sends the follower's events until the client disconnects."""

    media_type = "text/event-stream"
    charset = "utf-8"

    def __init__(self, hub: EventHub, follower: Follower, framing: Framing | None = None) -> None:
        """Create the response; with a framing, `Channels` may write events without the framework."""
        super().__init__(headers={"cache-control": "no-store"})
        del self.headers["content-length"]
        self._hub = hub
        self._follower = follower
        self._framing = framing

    def encode(self, event: EncodedEvent) -> bytes:
        """Return an event as it is written to the stream."""
        return event.sse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve this response as an ASGI application."""
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})

        async def send_event(event: EncodedEvent) -> None:
            await send({"type": "http.response.body", "body": self.encode(event), "more_body": True})

        async def until_closed() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass

        record = delivery_recorder(self._hub.trace, HTTPConnection(scope))
        channels = self._hub.channels
        if await channels.serve(self._follower, scope, send_event, until_closed, self._framing, record):
            await send({"type": "http.response.body", "body": b"", "more_body": False})


@router.get(
    wire.SSE_PATH,
    response_class=Response,
    responses=TOO_OLD_RESPONSE
    | {200: {"description": "Events, each with its seq as id.", "content": {"text/event-stream": {}}}},
    openapi_extra=NAMED_CLIENT,
)
async def sse(request: Request, after: After = 0, last_event_id: LastEventId = None) -> Response:
    """Send every event after the cursor when it is published."""
    hub = hub_of(request)
    return EventStream(hub, hub.log.follow(after if last_event_id is None else last_event_id))


ADAPTER = Adapter(title="push-vs-poll: SSE", transports=("sse",), routers=(router,))


def create_app(hub: EventHub | None = None) -> FastAPI:
    """Return the app that offers server-sent events."""
    return assemble((ADAPTER,), hub)
