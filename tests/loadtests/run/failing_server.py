"""A server that passes the check before the first trial, and fails in the middle of a trial, for a reason it prints."""

from __future__ import annotations

import sys

from fastapi import APIRouter, HTTPException, Request, Response

from benchmarks.hosted_adapter import serve_adapter
from contract import wire
from servers.api.app import Adapter
from servers.api.cursor import After
from servers.events.hub import hub_of
from servers.events.log import EncodedEvent
from servers.transports.sse import ADAPTER as WHOLE
from servers.transports.sse import EventStream

_ENOUGH_FOR_THE_CHECK = 2
router = APIRouter()


class EndlessWait(EventStream):
    """Sends the first events alone."""

    def encode(self, event: EncodedEvent) -> bytes:
        if event.seq <= _ENOUGH_FOR_THE_CHECK:
            return event.sse
        print("no space left on the disk", flush=True)
        return b""


@router.get(wire.SSE_PATH, response_class=Response)
async def sse(request: Request, after: After = 0) -> Response:
    hub = hub_of(request)
    return EndlessWait(hub, hub.log.follow(after))


statistics = APIRouter()


@statistics.get(wire.STATS_PATH)
async def stats() -> None:
    print("the licence has expired", flush=True)
    raise HTTPException(503)


if __name__ == "__main__":
    what, port = sys.argv[1:]
    routers = (router,) if what == "events" else (statistics, *WHOLE.routers)
    serve_adapter(Adapter(title="fails", transports=("sse",), routers=routers), "127.0.0.1", int(port))
