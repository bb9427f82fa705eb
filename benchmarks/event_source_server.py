"""`python -m benchmarks.event_source_server --port N`: server-sent events by FastAPI's own `EventSourceResponse`.

Its path operation yields events as in FastAPI's documentation; event log, control routes and pinned uvicorn are the
harness's. So only the sending of events differs from `python -m servers sse`. `SCENARIO=servers` measures both.
"""

from __future__ import annotations

import argparse
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent

from benchmarks.hosted_adapter import serve_adapter
from contract import wire
from servers.api.app import Adapter
from servers.api.cursor import After
from servers.events.hub import hub_of
from servers.events.log import Follower
from servers.transports.sse import LastEventId

router = APIRouter()


def follow(request: Request, after: After = 0, last_event_id: LastEventId = None) -> Follower:
    """Follow the events after the cursor; refuse a cursor that is too old before the answer starts."""
    return hub_of(request).log.follow(after if last_event_id is None else last_event_id)


@router.get(wire.SSE_PATH, response_class=EventSourceResponse)
async def sse(follower: Annotated[Follower, Depends(follow)]) -> AsyncIterator[ServerSentEvent]:
    """Send every event after the cursor as it is published."""
    while (event := await follower.next()) is not None:
        yield ServerSentEvent(raw_data=event.text, id=str(event.seq))


ADAPTER = Adapter(title="push-vs-poll: SSE by EventSourceResponse", transports=("sse",), routers=(router,))


def main() -> None:
    """Serve until a signal ends it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--port", type=int, required=True, help="port to listen on")
    options = parser.parse_args()
    serve_adapter(ADAPTER, options.host, options.port)


if __name__ == "__main__":
    main()
