"""Builds the FastAPI app of some adapters: control routes, error answers and their OpenAPI description."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, FastAPI, Request, WebSocket
from fastapi.exceptions import RequestValidationError, WebSocketRequestValidationError
from fastapi.telemetry import TelemetryConfig
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse

from contract import wire
from servers.api import control
from servers.events.hub import EventHub
from servers.events.log import CursorTooOldError

API_VERSION = "1.0.0"

TELEMETRY_OFF: TelemetryConfig = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}
"""FastAPI's own tracing is off, since it would be measured along with every poll."""


@dataclass(frozen=True, slots=True)
class Adapter:
    """The part of an app that one module of servers/transports/ adds."""

    title: str
    transports: tuple[str, ...]
    """The transports that it serves, by their names in the registry."""
    routers: tuple[APIRouter, ...]


def assemble(adapters: Sequence[Adapter], hub: EventHub | None = None, title: str | None = None) -> FastAPI:
    """Return an app of these adapters and the control routes over one hub (None: one with default settings)."""
    hub = hub or EventHub()

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with hub.running():
            yield

    app = FastAPI(
        title=title or adapters[0].title,
        version=API_VERSION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        telemetry=TELEMETRY_OFF,
        responses={422: {"description": "The request is not valid.", "content": _PROBLEM_CONTENT}},
    )
    app.state.hub = hub
    app.state.transports = [name for adapter in adapters for name in adapter.transports]
    # Routes are tried in turn: those of the measured path come first.
    for adapter in adapters:
        for router in adapter.routers:
            app.include_router(router)
    app.include_router(control.router)
    app.add_exception_handler(CursorTooOldError, _cursor_too_old)
    app.add_exception_handler(ClientDisconnect, _client_gone)
    answer_errors(app)
    _describe_shared_schemas(app)
    return app


def answer_errors(app: FastAPI) -> None:
    """Make the app answer invalid requests with all errors in one text, `{"detail": …}`."""
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(WebSocketRequestValidationError, _invalid_upgrade)


async def _cursor_too_old(_request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"detail": str(error)}, wire.CURSOR_TOO_OLD_STATUS)


async def _client_gone(_request: Request, _error: Exception) -> JSONResponse:
    """Return the answer to a client that has left, which is never sent."""
    return JSONResponse({"detail": "the client has left"}, 400)


async def _invalid_request(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    return _problem(error.errors())


async def _invalid_upgrade(socket: WebSocket, error: Exception) -> None:
    assert isinstance(error, WebSocketRequestValidationError)
    await socket.send_denial_response(_problem(error.errors()))


_SHOWN_ERRORS = 5
_SHOWN_INPUT_CHARACTERS = 80


def _problem(errors: Sequence[Any]) -> JSONResponse:
    """Return an answer with the first errors in one text; a large body is not sent back."""
    sentences = [_sentence(error) for error in errors[:_SHOWN_ERRORS]]
    if len(errors) > _SHOWN_ERRORS:
        sentences.append(f"and {len(errors) - _SHOWN_ERRORS} more")
    return JSONResponse({"detail": "; ".join(sentences)}, 422)


def _sentence(error: dict[str, Any]) -> str:
    where = ".".join(str(part) for part in error["loc"])
    what = error["msg"].removeprefix("Value error, ")
    given = error.get("input")
    if error["type"] == "missing" or not isinstance(given, str | int | float):
        return f"{where}: {what}"
    return f"{where}: {what}, not {ascii(given)[:_SHOWN_INPUT_CHARACTERS]}"


_PROBLEM_CONTENT = {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}

_SHARED_SCHEMAS: dict[str, Any] = {
    "Problem": {
        "type": "object",
        "description": "What is wrong, in words.",
        "required": ["detail"],
        "properties": {"detail": {"type": "string"}},
    },
    "Event": {
        "type": "object",
        "description": "One numbered event; times are the server's CLOCK_MONOTONIC in nanoseconds.",
        "required": ["seq", "due_ns", "published_ns", "payload"],
        "properties": {
            "seq": {"type": "integer", "minimum": 1},
            "due_ns": {"type": "integer"},
            "published_ns": {"type": "integer"},
            "payload": {"type": "string"},
        },
    },
    "PollReply": {
        "type": "object",
        "required": ["events", "next"],
        "properties": {
            "events": {"type": "array", "minItems": 1, "items": {"$ref": "#/components/schemas/Event"}},
            "next": {"type": "integer", "minimum": 1, "description": "the cursor of the next poll"},
        },
    },
}


def _describe_shared_schemas(app: FastAPI) -> None:
    """Add the schemas of the wire, which have no pydantic model because events are encoded by hand, once."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        document = generate()
        document.setdefault("components", {}).setdefault("schemas", {}).update(_SHARED_SCHEMAS)
        return document

    app.openapi = openapi  # type: ignore[method-assign]  # as FastAPI documents it
