"""`python -m benchmarks.dearer_server --port N --burn-us 5`: the harness's SSE, with extra CPU time per delivery."""

from __future__ import annotations

import argparse
import time

from fastapi import APIRouter, Request, Response

from benchmarks.hosted_adapter import serve_adapter
from contract import wire
from servers.api.app import Adapter
from servers.api.cursor import After
from servers.events.hub import hub_of
from servers.events.log import EncodedEvent
from servers.transports.sse import EventStream


def dearer_adapter(burn_ns: int) -> Adapter:
    """Return an adapter for server-sent events that spends `burn_ns` of extra CPU time on each delivery."""
    router = APIRouter()

    class DearerEventStream(EventStream):
        """Spends extra CPU time before it encodes an event."""

        def encode(self, event: EncodedEvent) -> bytes:
            end_ns = time.perf_counter_ns() + burn_ns
            while time.perf_counter_ns() < end_ns:
                pass
            return event.sse

    @router.get(wire.SSE_PATH, response_class=Response)
    async def sse(request: Request, after: After = 0) -> Response:
        hub = hub_of(request)
        return DearerEventStream(hub, hub.log.follow(after))

    return Adapter(title="push-vs-poll: dearer SSE", transports=("sse",), routers=(router,))


def main() -> None:
    """Serve until a signal ends it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--port", type=int, required=True, help="port to listen on")
    parser.add_argument("--burn-us", type=float, default=0.0, help="CPU time spent on each delivery (%(default)s)")
    options = parser.parse_args()
    serve_adapter(dearer_adapter(round(1000 * options.burn_us)), options.host, options.port)


if __name__ == "__main__":
    main()
