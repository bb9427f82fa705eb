"""uvicorn with pinned settings, which stops at once instead of waiting for its clients."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from servers.events.client_errors import ClientErrors
from servers.events.hub import EventHub
from servers.faults.client_numbers import Address, IdentifyClients
from servers.faults.faulty_log import FaultyLog
from servers.hosting.http_protocol import HttpProtocol, ServerState
from servers.hosting.listening import BACKLOG
from servers.hosting.middleware import Deflated, Padded
from servers.hosting.options import ServerOptions
from servers.hosting.stopping import on_signals
from servers.hosting.websocket_protocol import WebSocketProtocol
from system.asyncio_timer import ALARM_KIND
from system.garbage_collection import collect_seldom

KEEP_ALIVE_S = 300
"""Well above every poll interval, as a shorter time-out would race with the polls."""
MAX_MESSAGE_BYTES = 1024 * 1024
_PINNED: dict[str, Any] = {
    "loop": "uvloop",
    "lifespan": "on",
    "backlog": BACKLOG,
    "timeout_keep_alive": KEEP_ALIVE_S,
    "access_log": False,
    "log_level": "warning",
    "proxy_headers": False,
    "server_header": True,
    "date_header": True,
    "ws_max_size": MAX_MESSAGE_BYTES,
    "ws_ping_interval": None,
}


_NOT_LOGGED = frozenset(
    {
        # Logged for every WebSocket that an app refuses with an HTTP answer, though the refusal was sent.
        "ASGI callable returned without completing handshake.",
        # Client errors, which are counted.
        "Invalid HTTP request received.",
        "Invalid UTF-8 sequence received from client.",
        "Unsupported upgrade request.",
    }
)
"""Messages of uvicorn that would fill the log with one line for each request."""

_STOP_WAIT_S = 0.05
_DATE_PERIOD_S = 1.0


class _Server(uvicorn.Server):
    """A uvicorn server that calls back when it is ready and stops without waiting for its clients."""

    def __init__(self, config: uvicorn.Config, client_errors: ClientErrors, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self.server_state = ServerState(client_errors)
        self._client_errors = client_errors
        self._on_ready = on_ready
        self._stop = asyncio.Event()

    def stop(self) -> None:
        """Make `serve` shut down and return."""
        self._stop.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Install no signal handlers; the caller does (`on_signals`)."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_ready()

    async def main_loop(self) -> None:
        counter = 0
        while not await self.on_tick(counter):
            counter += 10  # on_tick renews the Date header each tenth time
            self._client_errors.log()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), _DATE_PERIOD_S)
                return

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Ask every connection and every handler to end, and abort what is left shortly after."""
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        connections = list(self.server_state.connections)
        for connection in connections:
            connection.shutdown()
        await self.lifespan.shutdown()
        if self.server_state.tasks:
            await asyncio.wait(self.server_state.tasks, timeout=_STOP_WAIT_S)
        for connection in self.server_state.connections:
            connection.transport.abort()


def _client_addresses(server: uvicorn.Server) -> Iterator[Address]:
    for connection in server.server_state.connections:
        if peer := connection.transport.get_extra_info("peername"):
            yield peer[0], peer[1]


@contextlib.asynccontextmanager
async def served(app: ASGIApp, listener: socket.socket, **changes: Any) -> AsyncIterator[None]:
    """Serve an app on a listening socket in the running loop until the block ends; the loop may have other tasks.

    `changes` are settings of uvicorn that differ from the pinned ones.
    """
    ready = asyncio.Event()
    server = _Server(_config(app, changes), ClientErrors(), ready.set)
    serving = asyncio.get_running_loop().create_task(server.serve(sockets=[listener]))
    try:
        await ready.wait()
        yield
    finally:
        server.stop()
        await serving


def describe_settings(options: ServerOptions) -> dict[str, object]:
    """Return all settings of a server, pinned and chosen, as /stats reports them."""
    return _PINNED | {
        "ws_per_message_deflate": options.deflates,
        "server": f"uvicorn {uvicorn.__version__}",
        "http": "httptools",
        "ws": "websockets-sansio",
        "http_compression": options.deflates,
        "publisher_alarm": ALARM_KIND,
        "stack": options.stack,
        "headers": options.headers,
        "server_processes": options.server_processes,
        **({"faults": list(options.faults)} if options.faults else {}),
    }


def serve(
    app: ASGIApp,
    hub: EventHub,
    options: ServerOptions,
    listener: socket.socket,
    on_ready: Callable[[tuple[Any, ...]], None],
    beside: contextlib.AbstractAsyncContextManager[None] | None = None,
) -> None:
    """Serve the app of a hub on a listening socket until SIGINT or SIGTERM; `on_ready` is called with the address.

    `beside` is entered for as long, to serve something else in the same loop.
    """
    if isinstance(hub.log, FaultyLog):
        app = IdentifyClients(app, connected=lambda: _client_addresses(server))
    config = _config(_in_middleware(app, options), {"ws_per_message_deflate": options.deflates})
    address = listener.getsockname()
    server = _Server(config, hub.client_errors, lambda: on_ready(address))
    hub.count_connections = lambda: len(server.server_state.connections)
    hub.count_requests = lambda: server.server_state.total_requests

    async def serve_until_signalled() -> None:
        collect_seldom()
        with on_signals(server.stop):
            async with beside or contextlib.nullcontext():
                await server.serve(sockets=[listener])
        # Tasks that are still running are cancelled now; uvicorn would report each as an error of the app.
        logging.getLogger("uvicorn.error").disabled = True

    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(serve_until_signalled())


def _in_middleware(app: ASGIApp, options: ServerOptions) -> ASGIApp:
    """Return the app wrapped in the middleware that these options need."""
    compressed = Deflated(app) if options.deflates else app
    # Outermost, because what compressing does to the headers counts towards their length.
    return Padded(compressed) if options.headers == "padded" else compressed


def _config(app: ASGIApp, changes: dict[str, Any]) -> uvicorn.Config:
    logging.getLogger("uvicorn.error").addFilter(_is_logged)
    settings = {"http": HttpProtocol, "ws": WebSocketProtocol, "ws_per_message_deflate": False, "log_config": None}
    return uvicorn.Config(app, **_PINNED | settings | changes)


def _is_logged(record: logging.LogRecord) -> bool:
    return record.msg not in _NOT_LOGGED
