"""Short poll and long poll over HTTP: the first returns the events after the cursor, the second waits for one."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, FastAPI, Query, Request, Response

from contract import wire
from servers.api.app import Adapter, assemble
from servers.api.cursor import TOO_OLD_RESPONSE, After, CursorKind
from servers.events.asgi_extensions import on_disconnect_of
from servers.events.hub import EventHub, hub_of
from servers.events.log import EncodedEvent
from servers.events.trace import NAMED_CLIENT, TracedReply, client_of

MAX_ECHO_BODY_BYTES = 1024 * 1024

Hold = Annotated[int, Query(ge=0, le=wire.MAX_HOLD_MS, description="how long to wait for an event, in ms")]

_POLL_RESPONSES = TOO_OLD_RESPONSE | {
    200: {
        "description": "The events after the cursor, or a single event without one, and the cursor of the next poll.",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/PollReply"}}},
    },
    204: {"description": "No event after the cursor, or none at all."},
}

_events = APIRouter(tags=["polling"])
_echo = APIRouter(tags=["echo"], max_body_size=MAX_ECHO_BODY_BYTES)


@_events.get(wire.SHORT_POLL_PATH, response_class=Response, responses=_POLL_RESPONSES, openapi_extra=NAMED_CLIENT)
async def short_poll(request: Request, after: After = 0, cursor: CursorKind = "seq") -> Response:
    """Return the events after the cursor at once; without a cursor only the latest event."""
    log = hub_of(request).log
    return _reply(request, log.read_latest() if cursor == wire.NO_CURSOR else log.read_after(after))


@_events.get(wire.LONG_POLL_PATH, response_class=Response, responses=_POLL_RESPONSES, openapi_extra=NAMED_CLIENT)
async def long_poll(request: Request, after: After = 0, hold_ms: Hold = 30_000, cursor: CursorKind = "seq") -> Response:
    """Wait for events after the cursor until the hold ends, and return them; without a cursor only the next event."""
    log, hold_s, on_disconnect = hub_of(request).log, hold_ms / 1000, on_disconnect_of(request.scope)
    if cursor == wire.NO_CURSOR:
        return _reply(request, await log.wait_next(hold_s, on_disconnect))
    return _reply(request, await log.wait_after(after, hold_s, on_disconnect))


@_echo.post(
    wire.POST_ECHO_PATH,
    response_class=Response,
    responses={200: {"description": "The body, unchanged.", "content": {"application/octet-stream": {}}}},
)
async def echo(request: Request) -> Response:
    """Return the request's body."""
    return Response(await request.body(), media_type="application/octet-stream")


ADAPTER = Adapter(
    title="push-vs-poll: polling",
    transports=("short_poll", "long_poll", "echo_post", "echo_post_new"),
    routers=(_events, _echo),
)


def create_app(hub: EventHub | None = None) -> FastAPI:
    """Return the app that offers short poll, long poll and POST echo."""
    return assemble((ADAPTER,), hub)


def reply_body(events: list[EncodedEvent]) -> bytes:
    """Return the body of a poll's answer; that of a single event, which many clients receive, is encoded only once."""
    if len(events) == 1:
        return events[0].framed(_alone)
    return wire.encode_poll_reply((event.text for event in events), events[-1].seq)


def _alone(event: EncodedEvent) -> bytes:
    return wire.encode_poll_reply((event.text,), event.seq)


def _reply(request: Request, events: list[EncodedEvent]) -> Response:
    if not events:
        return Response(status_code=204)
    body = reply_body(events)
    trace = hub_of(request).trace
    if trace is not None and (client := client_of(request)) is not None:
        return TracedReply(body, trace, client, [event.seq for event in events])
    return Response(body, media_type="application/json")
