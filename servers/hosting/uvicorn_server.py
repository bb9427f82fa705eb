"""uvicorn with every setting pinned, with bounds on requests, and with an immediate stop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request
from websockets.protocol import State

from contract import wire
from servers.api.control import MAX_STREAM_BODY_BYTES
from servers.events.channels import CUT_OFF_EXTENSION
from servers.events.client_errors import ClientErrors
from servers.events.disconnect import ON_DISCONNECT_EXTENSION
from servers.events.fan_out import WRITE_FRAMED_EXTENSION
from servers.events.hub import EventHub
from servers.faults.client_numbers import Address, IdentifyClients
from servers.faults.faulty_log import FaultyLog
from servers.hosting.compression import Deflated
from servers.hosting.listening import BACKLOG
from servers.hosting.padding import Padded
from system.asyncio_timer import ALARM_KIND
from system.garbage_collection import collect_seldom

KEEP_ALIVE_S = 300
"""Well above every poll interval, as a shorter time-out would race with the polls."""
MAX_MESSAGE_BYTES = 1024 * 1024
CUT_OFF_GRACE_S = 2.0
"""Time for a client that is cut off to read what was sent to it and the close code that follows."""

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


@dataclass(frozen=True, slots=True)
class Factors:
    """What a scenario may choose of a server; the defaults are what every other figure is measured with."""

    stack: str = "fastapi"
    """`fastapi` or `asgi`."""
    compression: str = "off"
    """`off` or `deflate`."""
    headers: str = "lean"
    """`lean` or `padded`."""

    @property
    def deflates(self) -> bool:
        """Whether frames and answers are compressed for clients that accept it."""
        return self.compression == "deflate"

    def options(self) -> dict[str, object]:
        """Return all settings, pinned and chosen, as /stats reports them."""
        return _PINNED | {
            "ws_per_message_deflate": self.deflates,
            "server": f"uvicorn {uvicorn.__version__}",
            "http": "httptools",
            "ws": "websockets-sansio",
            "http_compression": self.deflates,
            "publisher_alarm": ALARM_KIND,
            "stack": self.stack,
            "headers": self.headers,
        }

    def around(self, app: ASGIApp) -> ASGIApp:
        """Return the app wrapped in the middleware that these factors need."""
        compressed = Deflated(app) if self.deflates else app
        # Outermost, because what compressing does to the headers counts towards their length.
        return Padded(compressed) if self.headers == "padded" else compressed


MAX_HEAD_BYTES = 64 * 1024
"""Limit of a request line and its headers, which are held in memory until they end: far more than a browser sends."""
MAX_REQUEST_BYTES = 2 * MAX_STREAM_BODY_BYTES
"""Limit of a whole request as transferred, trailers and the framing of chunks included."""
MAX_PIPELINED = 100
"""Limit of the requests on one connection that wait for an answer."""

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


class ServerState(uvicorn.server.ServerState):
    """State shared by all connections of a server."""

    def __init__(self, client_errors: ClientErrors) -> None:
        super().__init__()
        self.client_errors = client_errors


class HttpProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol with client errors counted and requests bounded.

    An app can write whole chunks to a connection, cut it off while the client reads nothing, and be called back when it
    ends.
    """

    # Class attributes as defaults, so that connections which do not need them cost nothing more to create.
    server_state: ServerState
    _refused = False
    _request_bytes = 0
    """Bytes of the request being received, without those of the read in which it began."""
    _disconnected = False
    _on_disconnect: Callable[[], None] | None = None
    """Set by a handler that waits for something else than its client."""
    _pipelined: deque[RequestResponseCycle] | None = None
    """Requests that were not answered yet when the next one arrived, in order; uvicorn keeps no reference to them."""

    def data_received(self, data: bytes) -> None:
        self._request_bytes += len(data)
        super().data_received(data)
        if self._request_bytes > MAX_HEAD_BYTES or self._pipelined or self.flow.read_paused:
            self._check_bounds()

    def on_message_begin(self) -> None:
        self._request_bytes = 0
        if self.cycle is not None and not self.cycle.response_complete:
            self._keep_pipelined(self.cycle)
        super().on_message_begin()
        self.scope["extensions"] = {
            CUT_OFF_EXTENSION: self._cut_off,  # type: ignore[dict-item]
            WRITE_FRAMED_EXTENSION: self._write_framed,  # type: ignore[dict-item]
            ON_DISCONNECT_EXTENSION: self._set_on_disconnect,  # type: ignore[dict-item]  # ours, not ASGI's
        }

    def handle_websocket_upgrade(self) -> None:
        if self._unanswered:
            # As a WebSocket, the connection would never report its end to the handler of the earlier request.
            self._refuse()
            self.transport.abort()
            return
        super().handle_websocket_upgrade()

    def send_400_response(self, msg: str) -> None:
        self._refuse()
        if any(cycle.response_started for cycle in self._unanswered):
            self.transport.close()  # within an answer, a second one would be read as a part of it
        else:
            super().send_400_response(msg)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.scope is not None and not self._request_complete and not self._refused:
            self.server_state.client_errors.add("abandoned_requests")
        super().connection_lost(exc)
        # uvicorn leaves the timer set if the client resets the connection, which then stays in memory for as long.
        self._unset_keepalive_if_required()
        for cycle in self._unanswered:
            cycle.disconnected = True
            cycle.message_event.set()
        self._disconnected = True
        if self._on_disconnect is not None:
            self._on_disconnect()

    @property
    def _in_head(self) -> bool:
        """Whether the headers of a request are incomplete."""
        return self.scope is not None and "method" not in self.scope

    @property
    def _request_complete(self) -> bool:
        return not self._in_head and (self.cycle is None or not self.cycle.more_body)

    def _keep_pipelined(self, cycle: RequestResponseCycle) -> None:
        self._pipelined = self._pipelined or deque()
        while self._pipelined and self._pipelined[0].response_complete:
            self._pipelined.popleft()
        self._pipelined.append(cycle)

    @property
    def _unanswered(self) -> list[RequestResponseCycle]:
        cycles = [*(self._pipelined or ()), *([] if self.cycle is None else [self.cycle])]
        return [cycle for cycle in cycles if not cycle.response_complete]

    def _refuse(self) -> None:
        self._refused = True
        self.server_state.client_errors.add("malformed_requests")

    def _check_bounds(self) -> None:
        if self.transport.is_closing():
            return
        unanswered = self._unanswered
        if self._in_head and self._request_bytes > MAX_HEAD_BYTES:
            self.send_400_response(f"Request line and headers of more than {MAX_HEAD_BYTES} bytes.")
        elif not self._request_complete and self._request_bytes > MAX_REQUEST_BYTES:
            self.send_400_response(f"Request of more than {MAX_REQUEST_BYTES} bytes.")
        elif len(unanswered) > MAX_PIPELINED:
            self.send_400_response(f"More than {MAX_PIPELINED} requests wait for an answer.")
        elif sum(len(cycle.body) for cycle in unanswered) > MAX_REQUEST_BYTES:
            self.send_400_response(f"Requests of more than {MAX_REQUEST_BYTES} bytes together wait for an answer.")
        elif self._pipelined or self._on_disconnect is not None:
            # uvicorn stops reading until it has answered, or until the app reads the body, and so would not notice
            # that the client has left.
            self.flow.resume_reading()

    def timeout_keep_alive_handler(self) -> None:
        # An answer that was not read in all that time never will be, and close() would wait for it for ever.
        self.transport.abort()

    def _write_framed(self, chunk: bytes) -> bool:
        if self.flow.write_paused or self.transport.is_closing():
            return False
        self.transport.write(chunk)
        return True

    def _set_on_disconnect(self, callback: Callable[[], None] | None) -> None:
        self._on_disconnect = callback
        if callback is None:
            return
        if self._disconnected:
            callback()
        elif not self.transport.is_closing():
            self.flow.resume_reading()  # a body that the app does not read may have stopped it

    def _cut_off(self, _reason: str) -> None:
        self.transport.abort()


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket protocol with client errors counted.

    An app can write whole frames to a connection, and cut it off even if the client reads nothing.
    """

    def __init__(self, config: uvicorn.Config, server_state: ServerState, app_state: dict[str, Any]) -> None:
        super().__init__(config, server_state, app_state)
        self._client_errors = server_state.client_errors

    async def run_asgi(self) -> None:
        if self.transport.is_closing():
            return  # the client left before its handshake was answered; uvicorn would run the app all the same
        await super().run_asgi()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self.handshake_initiated:
            self._refuse_handshake()

    def handle_parser_exception(self) -> None:
        self._client_errors.add("malformed_frames")
        super().handle_parser_exception()
        self.disconnected = True  # so that the app's next send does not raise an error of the app

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if self.response.status_code == 101:
            self.scope["extensions"][CUT_OFF_EXTENSION] = self._cut_off  # type: ignore[assignment]
            if not self.conn.extensions:  # an extension such as compression has a frame of its own for each client
                self.scope["extensions"][WRITE_FRAMED_EXTENSION] = self._write_framed  # type: ignore[assignment]

    def _refuse_handshake(self) -> None:
        """Answer a handshake that `websockets` could not parse; uvicorn would leave it without an answer."""
        self._client_errors.add("malformed_requests")
        self.handshake_complete = self.close_sent = True
        refusal = b"".join(self.conn.data_to_send())  # empty if it was not a request at all
        self.transport.write(refusal or self.conn.reject(400, f"{self.conn.handshake_exc}.\n").serialize())
        self.transport.close()

    def _write_framed(self, frame: bytes) -> bool:
        if not self.writable.is_set() or self.close_sent or self.disconnected or self.transport.is_closing():
            return False
        self.transport.write(frame)
        return True

    def shutdown(self) -> None:
        if self.handshake_complete and not self.close_sent and self.conn.state is not State.OPEN:
            # The client has begun to close: uvicorn's shutdown would send another close frame, which is an error.
            self.stop_keepalive()
            self.transport.close()
        else:
            super().shutdown()

    def _cut_off(self, reason: str) -> None:
        """Send a close frame with the reason after all pending data, and abort the connection after a grace period."""
        if self.close_sent or self.transport.is_closing():
            return
        self.conn.send_close(wire.CURSOR_TOO_OLD_CLOSE_CODE, reason)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.disconnected = True  # so that a send of the app, blocked until now, writes nothing after the close frame
        self.close_timer = self.loop.call_later(CUT_OFF_GRACE_S, self.transport.abort)


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


@contextlib.contextmanager
def on_signals(act: Callable[[], None]) -> Iterator[None]:
    """Call `act` at SIGINT and SIGTERM, within the running loop."""
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM)
    for number in signals:
        loop.add_signal_handler(number, act)
    try:
        yield
    finally:
        for number in signals:
            loop.remove_signal_handler(number)


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


def serve(
    app: ASGIApp,
    hub: EventHub,
    factors: Factors,
    listener: socket.socket,
    on_ready: Callable[[tuple[Any, ...]], None],
    beside: contextlib.AbstractAsyncContextManager[None] | None = None,
) -> None:
    """Serve the app of a hub on a listening socket until SIGINT or SIGTERM; `on_ready` is called with the address.

    `beside` is entered for as long, to serve something else in the same loop.
    """
    if isinstance(hub.log, FaultyLog):
        app = IdentifyClients(app, connected=lambda: _client_addresses(server))
    config = _config(factors.around(app), {"ws_per_message_deflate": factors.deflates})
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


def _config(app: ASGIApp, changes: dict[str, Any]) -> uvicorn.Config:
    logging.getLogger("uvicorn.error").addFilter(_is_logged)
    settings = {"http": HttpProtocol, "ws": WebSocketProtocol, "ws_per_message_deflate": False, "log_config": None}
    return uvicorn.Config(app, **_PINNED | settings | changes)


def _is_logged(record: logging.LogRecord) -> bool:
    return record.msg not in _NOT_LOGGED
