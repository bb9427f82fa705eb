"""The control routes, the same on every app: health, clock, stream and stats."""

from __future__ import annotations

import time
from itertools import pairwise
from typing import Annotated, Literal, Self

from fastapi import APIRouter, HTTPException, Request, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from contract import wire
from servers.events.hub import EventHub, hub_of

MAX_STREAM_BODY_BYTES = 64 * 1024 * 1024
MAX_PAYLOADS = 10_000
MAX_START_IN_MS = 3_600_000
MAX_OFFSET_NS = 24 * 3600 * 1_000_000_000

NO_TRACE = "this server keeps no trace: start it with --trace"

router = APIRouter(tags=["control"], max_body_size=MAX_STREAM_BODY_BYTES)

Payload = Annotated[str, Field(max_length=wire.MAX_PAYLOAD_CHARACTERS)]
Offset = Annotated[int, Field(ge=0, le=MAX_OFFSET_NS)]


class Health(BaseModel):
    """The answer of /health: the transports that the server offers."""

    status: Literal["ok"]
    transports: list[str]


class Clock(BaseModel):
    """The answer of /clock: the time on the clock of due_ns and published_ns."""

    now_ns: int


class StreamRequest(BaseModel):
    """A stream as data: event i, from 0, is due at t0 + due_offsets_ns[i] and carries payloads[i mod their number]."""

    model_config = ConfigDict(strict=True, extra="forbid")

    start_in_ms: int = Field(ge=0, le=MAX_START_IN_MS)
    due_offsets_ns: list[Offset] = Field(max_length=wire.MAX_EVENTS)
    payloads: list[Payload] = Field(min_length=1, max_length=MAX_PAYLOADS)

    @model_validator(mode="after")
    def _offsets_in_order(self) -> Self:
        for index, (before, after) in enumerate(pairwise(self.due_offsets_ns), start=1):
            if after < before:
                raise ValueError(f"due_offsets_ns must not decrease, but number {index} is {after} after {before}")
        return self


class StreamReply(BaseModel):
    """The stream that was accepted."""

    t0_ns: int
    events: int


class LoopLagMs(BaseModel):
    """Lateness of a 100 ms timer since the stream was posted; null before."""

    p50: float | None
    p99: float | None
    max: float | None


class ClientErrorCounts(BaseModel):
    """Protocol errors of clients since the stream was posted; 4xx answers of routes are not counted."""

    malformed_requests: int = Field(
        description="connections ended because of bytes that are not an HTTP request, or of one beyond the limits"
    )
    malformed_frames: int = Field(
        description="WebSockets closed for data that violates RFC 6455 (1002), is too large (1009) or not UTF-8 (1007)"
    )
    abandoned_requests: int = Field(description="requests whose client disconnected before it had sent them completely")


class Stats(BaseModel):
    """The server's statistics since the stream was posted."""

    published: list[tuple[int, int, int]] = Field(
        description="[seq, due_ns, published_ns] of every event so far; with several processes the latest "
        "`published_ns`, once all of them have published it"
    )
    connections: int | None = Field(description="open TCP connections, this request's included; null if not known")
    requests: int | None = Field(
        description="HTTP requests answered since the server's start, this one not included; null if not known"
    )
    channels: int = Field(description="open SSE and WebSocket channels")
    waiting: int = Field(description="clients waiting for the next event, held long polls included")
    cut_off: int = Field(description="channels ended because the client fell behind the history")
    client_errors: ClientErrorCounts
    spin_cpu_ns: int = Field(description="CPU time the publisher spent spinning towards due times")
    loop_lag_ms: LoopLagMs
    late_ticks: list[tuple[int, int]] = Field(
        description="[due_ns, late_ns] of each time that timer was later than 5 ms, the latest 1000; with several "
        "processes, those of the process that was delayed most"
    )
    options: dict[str, object] = Field(description="pinned settings")


@router.get(wire.HEALTH_PATH)
async def health(request: Request) -> Health:
    """Return the transports that this server offers."""
    return Health(status="ok", transports=request.app.state.transports)


@router.get(wire.CLOCK_PATH)
async def clock() -> Clock:
    """Return the server's CLOCK_MONOTONIC."""
    return Clock(now_ns=time.monotonic_ns())


@router.post(wire.STREAM_PATH)
async def stream(request: Request, spec: StreamRequest) -> StreamReply:
    """Publish a new stream, which replaces the old one and empties the log."""
    hub = hub_of(request)
    check_history_fits(hub, spec)
    t0_ns = hub.start_stream(spec.start_in_ms, spec.due_offsets_ns, spec.payloads)
    return StreamReply(t0_ns=t0_ns, events=len(spec.due_offsets_ns))


@router.get(wire.STATS_PATH)
async def stats(request: Request) -> Stats:
    """Return when each event was published, and the server's connections, errors and lateness."""
    hub = hub_of(request)
    lag = {name: None if us is None else us / 1000 for name, us in hub.loop_lag.lateness.summary_us().items()}
    return Stats(
        published=hub.publisher.published(),
        connections=None if hub.count_connections is None else hub.count_connections(),
        requests=None if hub.count_requests is None else hub.count_requests(),
        channels=len(hub.channels),
        waiting=hub.log.waiting,
        cut_off=hub.channels.cut_off,
        client_errors=ClientErrorCounts.model_validate(hub.client_errors.counts()),
        spin_cpu_ns=hub.publisher.spin_cpu_ns,
        loop_lag_ms=LoopLagMs.model_validate(lag),
        late_ticks=list(hub.loop_lag.late_ticks),
        options=hub.options,
    )


@router.get(
    wire.TRACE_PATH,
    response_class=Response,
    responses={
        200: {
            "description": "Rows of three little-endian signed 64-bit integers: client, seq, and written_ns "
            "(CLOCK_MONOTONIC when the event had been written to that client's connection) since the stream was posted",
            "content": {"application/octet-stream": {}},
        },
        404: {
            "description": "This server keeps no trace.",
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
        },
    },
)
async def trace(request: Request) -> Response:
    """Return when each event was written to each client that sent `client=N` in its query."""
    kept = hub_of(request).trace
    if kept is None:
        raise HTTPException(404, NO_TRACE)
    return Response(kept.encoded(), media_type="application/octet-stream")


def check_history_fits(hub: EventHub, spec: StreamRequest) -> None:
    """Raise HTTPException 422 if the log would take more memory than a server may use."""
    needed_bytes = wire.history_bytes(len(spec.due_offsets_ns), hub.log.history, spec.payloads)
    if needed_bytes > wire.MAX_HISTORY_BYTES:
        raise HTTPException(
            422,
            f"payloads: the history would take {needed_bytes} bytes, more than the {wire.MAX_HISTORY_BYTES} that a "
            "server keeps; expected smaller payloads, fewer events or a server with a smaller --history",
        )
