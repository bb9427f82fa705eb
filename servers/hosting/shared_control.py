"""Makes several processes one server: a stream posted to any of them is published by all, at the same times.

Every process publishes the whole schedule by itself, so no event is sent between them, and a cursor is valid on all of
them. Only the control routes combine them: each process answers for itself at a private address, and a public control
request to any process is answered for all.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Annotated, Any

import httpx
from fastapi import APIRouter, FastAPI, HTTPException, Path, Request, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from contract import wire
from servers.api import control
from servers.api.app import TELEMETRY_OFF, answer_errors
from servers.events.hub import EventHub, hub_of

_PATIENCE_S = 60.0
_NS_PER_MS = 1_000_000
_CLEAR_PATH = "/own/clear"
_BEGIN_PATH = "/own/begin"
_LEAD_PATH = "/own/lead"

_own = APIRouter(max_body_size=control.MAX_STREAM_BODY_BYTES)
_shared = APIRouter(max_body_size=control.MAX_STREAM_BODY_BYTES)


def private_app(hub: EventHub, transports: Sequence[str], peers: Sequence[str]) -> FastAPI:
    """Return the private app of a process: the control routes for itself alone, and its part in a new stream."""
    app = _bare_app(hub, transports, peers)
    app.state.posting = asyncio.Lock()
    app.include_router(_own)
    app.include_router(control.router)
    return app


class SharedControl:
    """A process' public app: its own, but with control routes that answer for all processes."""

    def __init__(self, app: ASGIApp, hub: EventHub, transports: Sequence[str], peers: Sequence[str]) -> None:
        """Create the app; `peers` are the URLs of all processes' `private_app`, in the same order in all processes."""
        self._app = app
        self._control = _bare_app(hub, transports, peers)
        self._control.include_router(_shared)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or WebSocket, or the app's lifespan."""
        app = self._control if scope.get("path") in _SHARED_PATHS else self._app
        await app(scope, receive, send)


def _bare_app(hub: EventHub, transports: Sequence[str], peers: Sequence[str]) -> FastAPI:
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, telemetry=TELEMETRY_OFF)
    app.state.hub = hub
    app.state.transports = list(transports)
    app.state.peers = tuple(peers)
    answer_errors(app)
    return app


# The private routes of a process.


@_own.post(_CLEAR_PATH, status_code=204)
async def _clear(request: Request) -> None:
    hub_of(request).clear_stream()


@_own.post(_BEGIN_PATH + "/{t0_ns}", status_code=204)
async def _begin(request: Request, t0_ns: Annotated[int, Path(ge=0)], spec: control.StreamRequest) -> None:
    hub_of(request).begin_stream(t0_ns, spec.due_offsets_ns, spec.payloads)


@_own.post(_LEAD_PATH)
async def _lead(request: Request, spec: control.StreamRequest) -> control.StreamReply:
    """Make all processes publish this stream; only the first process does this, so that all agree on the latest stream.

    All logs are emptied before any process publishes, so that no client sees two streams when it changes processes.
    """
    body = spec.model_dump_json().encode()
    async with request.app.state.posting:
        await _request_from_all(request, "POST", _CLEAR_PATH)
        t0_ns = time.monotonic_ns() + spec.start_in_ms * _NS_PER_MS
        await _request_from_all(request, "POST", f"{_BEGIN_PATH}/{t0_ns}", body)
    return control.StreamReply(t0_ns=t0_ns, events=len(spec.due_offsets_ns))


# The public control routes.


@_shared.get(wire.HEALTH_PATH)
async def _health(request: Request) -> control.Health:
    """Return the transports, once all processes answer."""
    await _request_from_all(request, "GET", wire.HEALTH_PATH)
    return control.Health(status="ok", transports=request.app.state.transports)


@_shared.post(wire.STREAM_PATH)
async def _stream(request: Request, spec: control.StreamRequest) -> control.StreamReply:
    control.check_history_fits(hub_of(request), spec)
    [answer] = await _request(request.app.state.peers[:1], "POST", _LEAD_PATH, spec.model_dump_json().encode())
    return control.StreamReply.model_validate_json(answer.content)


@_shared.get(wire.STATS_PATH)
async def _stats(request: Request) -> control.Stats:
    answers = await _request_from_all(request, "GET", wire.STATS_PATH)
    return merge([control.Stats.model_validate_json(answer.content) for answer in answers])


@_shared.get(wire.TRACE_PATH)
async def _trace(request: Request) -> Response:
    if hub_of(request).trace is None:
        raise HTTPException(404, control.NO_TRACE)
    answers = await _request_from_all(request, "GET", wire.TRACE_PATH)
    return Response(b"".join(answer.content for answer in answers), media_type="application/octet-stream")


_SHARED_PATHS = frozenset({wire.HEALTH_PATH, wire.STREAM_PATH, wire.STATS_PATH, wire.TRACE_PATH})


async def _request_from_all(
    request: Request, method: str, path: str, body: bytes | None = None
) -> list[httpx.Response]:
    return await _request(request.app.state.peers, method, path, body)


async def _request(peers: Sequence[str], method: str, path: str, body: bytes | None) -> list[httpx.Response]:
    """Return the answers of all these processes; raise HTTPException 503 if one of them fails."""
    # Directly over loopback: no proxy settings, and no TLS context, which would take longer to make than the request.
    async with httpx.AsyncClient(timeout=_PATIENCE_S, trust_env=False, verify=False) as client:
        headers = {"content-type": "application/json"}
        requests = (client.request(method, peer + path, content=body, headers=headers) for peer in peers)
        try:
            return [answer.raise_for_status() for answer in await asyncio.gather(*requests)]
        except httpx.HTTPError as error:
            raise HTTPException(503, f"not all of the server's processes answer: {error}") from error


def merge(stats: Sequence[control.Stats]) -> control.Stats:
    """Return the statistics of all processes: summed counts, and the latest `published_ns` of each event.

    Events are those that all processes have published. Lateness is that of the worst process.
    """
    of_all = zip(*(each.published for each in stats), strict=False)
    return control.Stats(
        published=[max(rows, key=lambda row: row[2]) for rows in of_all],
        connections=_sum_if_known([each.connections for each in stats]),
        requests=_sum_if_known([each.requests for each in stats]),
        channels=sum(each.channels for each in stats),
        waiting=sum(each.waiting for each in stats),
        cut_off=sum(each.cut_off for each in stats),
        client_errors=_sum_of_errors([each.client_errors for each in stats]),
        spin_cpu_ns=sum(each.spin_cpu_ns for each in stats),
        loop_lag_ms=_worst([each.loop_lag_ms for each in stats]),
        late_ticks=max((each.late_ticks for each in stats), key=lambda ticks: sum(late_ns for _, late_ns in ticks)),
        options=stats[0].options,
    )


def _sum_if_known(counts: Sequence[int | None]) -> int | None:
    return None if None in counts else sum(count or 0 for count in counts)


def _sum_of_errors(counts: Sequence[control.ClientErrorCounts]) -> control.ClientErrorCounts:
    names = control.ClientErrorCounts.model_fields
    return control.ClientErrorCounts(**{name: sum(getattr(each, name) for each in counts) for name in names})


def _worst(lags: Sequence[control.LoopLagMs]) -> control.LoopLagMs:
    worst: dict[str, Any] = {}
    for name in control.LoopLagMs.model_fields:
        known = [value for lag in lags if (value := getattr(lag, name)) is not None]
        worst[name] = max(known, default=None)
    return control.LoopLagMs(**worst)
