"""Runs an app on uvicorn with every setting pinned, and stops at once when told to."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request
from websockets.protocol import State

from servers import wire
from servers.channels import CUT_OFF_EXTENSION
from servers.collector import collect_seldom
from servers.compression import Deflated
from servers.direct import WRITE_FRAMED_EXTENSION
from servers.fault_clients import Address, TellClientsApart
from servers.faulty_log import FaultyLog
from servers.listening import BACKLOG
from servers.padding import Padded
from servers.station import Station
from servers.timer import ALARM_KIND

KEEP_ALIVE_S = 300
"""Well above every poll interval: a shorter one races with the polls."""
MAX_MESSAGE_BYTES = 1024 * 1024
CUT_OFF_GRACE_S = 2.0
"""How long a client that is cut off has to read what was sent to it and the close code after that."""

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
        """Whether frames and answers are compressed for who accepts it."""
        return self.compression == "deflate"

    def options(self) -> dict[str, object]:
        """All settings, pinned and chosen, as /stats reports them."""
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
        """The app with what these factors put around it."""
        compressed = Deflated(app) if self.deflates else app
        # Outermost, because what compressing does to the headers counts towards their length.
        return Padded(compressed) if self.headers == "padded" else compressed


_FALSE_ALARM = "ASGI callable returned without completing handshake."
"""uvicorn logs this for every WebSocket that an app refuses with an HTTP answer, though the refusal was sent."""

_STOP_WAIT_S = 0.05
_DATE_PERIOD_S = 1.0


class HttpProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol whose connections take whole chunks, and can be ended while the client reads nothing."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {
            CUT_OFF_EXTENSION: self._cut_off,  # type: ignore[dict-item]
            WRITE_FRAMED_EXTENSION: self._write_framed,  # type: ignore[dict-item]
        }

    def timeout_keep_alive_handler(self) -> None:
        # A reply that was not read in all that time never will be; a mere close would wait for it for ever.
        self.transport.abort()

    def _write_framed(self, chunk: bytes) -> bool:
        if self.flow.write_paused or self.transport.is_closing():
            return False
        self.transport.write(chunk)
        return True

    def _cut_off(self, _reason: str) -> None:
        self.transport.abort()


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket protocol whose connections take whole frames, and end even if the client reads nothing."""

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if self.response.status_code == 101:
            self.scope["extensions"][CUT_OFF_EXTENSION] = self._cut_off  # type: ignore[assignment]
            if not self.conn.extensions:  # an extension such as compression has a frame of its own for each client
                self.scope["extensions"][WRITE_FRAMED_EXTENSION] = self._write_framed  # type: ignore[assignment]

    def _write_framed(self, frame: bytes) -> bool:
        if not self.writable.is_set() or self.close_sent or self.disconnected or self.transport.is_closing():
            return False
        self.transport.write(frame)
        return True

    def shutdown(self) -> None:
        if self.handshake_complete and not self.close_sent and self.conn.state is not State.OPEN:
            # The client has begun to close: uvicorn's own would say goodbye once more, which is an error.
            self.stop_keepalive()
            self.transport.close()
        else:
            super().shutdown()

    def _cut_off(self, reason: str) -> None:
        """Say why, behind all that is still to be read, and close when the grace is over, read or not."""
        if self.close_sent or self.transport.is_closing():
            return
        self.conn.send_close(wire.CURSOR_TOO_OLD_CLOSE_CODE, reason)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.disconnected = True  # for the app it is: its send, blocked until now, must not write behind the close
        self.close_timer = self.loop.call_later(CUT_OFF_GRACE_S, self.transport.abort)


class _Server(uvicorn.Server):
    """A uvicorn server that says when it is ready and does not make anyone wait for its end."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready
        self._stop = asyncio.Event()

    def stop(self) -> None:
        """Have `serve` shut down and return."""
        self._stop.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """None: whose process it is decides what signals do (`on_signals`)."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_ready()

    async def main_loop(self) -> None:
        counter = 0
        while not await self.on_tick(counter):
            counter += 10  # on_tick renews the Date header each tenth time
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), _DATE_PERIOD_S)
                return

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Ask every connection and every handler to end, and soon after end what is left."""
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
    """Within the running loop: act at SIGINT and SIGTERM."""
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
    """Serve an app on a listening socket in the running loop, which others may share, until the block ends.

    `changes` are settings of uvicorn that differ from the pinned ones.
    """
    ready = asyncio.Event()
    server = _Server(_config(app, changes), ready.set)
    serving = asyncio.get_running_loop().create_task(server.serve(sockets=[listener]))
    try:
        await ready.wait()
        yield
    finally:
        server.stop()
        await serving


def serve(
    app: ASGIApp,
    station: Station,
    factors: Factors,
    listener: socket.socket,
    on_ready: Callable[[tuple[Any, ...]], None],
    beside: contextlib.AbstractAsyncContextManager[None] | None = None,
) -> None:
    """Serve the app of a station on a listening socket until SIGINT or SIGTERM; `on_ready` gets the address.

    `beside` is what else is served in the same loop for as long.
    """
    if isinstance(station.log, FaultyLog):
        app = TellClientsApart(app, connected=lambda: _client_addresses(server))
    config = _config(factors.around(app), {"ws_per_message_deflate": factors.deflates})
    address = listener.getsockname()
    server = _Server(config, lambda: on_ready(address))
    station.count_connections = lambda: len(server.server_state.connections)
    station.count_requests = lambda: server.server_state.total_requests

    async def serve_until_signalled() -> None:
        collect_seldom()
        with on_signals(server.stop):
            async with beside or contextlib.nullcontext():
                await server.serve(sockets=[listener])
        # What is still running is cancelled now; uvicorn would report each as an error of the app.
        logging.getLogger("uvicorn.error").disabled = True

    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(serve_until_signalled())


def _config(app: ASGIApp, changes: dict[str, Any]) -> uvicorn.Config:
    logging.getLogger("uvicorn.error").addFilter(_is_no_false_alarm)
    settings = {"http": HttpProtocol, "ws": WebSocketProtocol, "ws_per_message_deflate": False, "log_config": None}
    return uvicorn.Config(app, **_PINNED | settings | changes)


def _is_no_false_alarm(record: logging.LogRecord) -> bool:
    return record.msg != _FALSE_ALARM
