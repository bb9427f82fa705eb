"""Servers within a loop that is somebody else's."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
import struct

import httpx
import pytest
import uvloop
from starlette.types import Receive, Scope, Send
from websockets.protocol import State
from websockets.server import ServerProtocol

from servers.hosting import http_protocol
from servers.hosting.http_protocol import HttpProtocol
from servers.hosting.listening import listen
from servers.hosting.stopping import on_signals
from servers.hosting.uvicorn_server import KEEP_ALIVE_S, served
from servers.hosting.websocket_protocol import WebSocketProtocol
from tests.servers.conftest import PATIENCE_S


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    """An app that says which path was asked for; `/held` is not answered."""
    if scope["path"] == "/held":
        await receive()
        await receive()
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": scope["path"].encode()})


def test_two_servers_share_a_loop_and_close_when_their_blocks_end() -> None:
    async def scenario() -> None:
        listeners = [listen("127.0.0.1", 0) for _ in range(2)]
        one, other = (f"http://127.0.0.1:{listener.getsockname()[1]}" for listener in listeners)
        async with served(answer, listeners[0], lifespan="off"), httpx.AsyncClient(timeout=PATIENCE_S) as client:
            async with served(answer, listeners[1], lifespan="off"):
                assert [(await client.get(f"{url}/a")).text for url in (one, other)] == ["/a", "/a"]
                held = asyncio.create_task(client.get(f"{other}/held"))
                await asyncio.sleep(0.05)
            with pytest.raises(httpx.HTTPError):
                await held
            with pytest.raises(httpx.ConnectError):
                await client.get(f"{other}/a")
            assert (await client.get(f"{one}/b")).text == "/b"
        assert [listener.fileno() for listener in listeners] == [-1, -1]

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(asyncio.wait_for(scenario(), PATIENCE_S))


@pytest.mark.parametrize("leaving", ["by a reset", "by a close"])
def test_nothing_is_kept_of_a_connection_that_has_ended(leaving: str) -> None:
    assert KEEP_ALIVE_S > PATIENCE_S

    async def scenario() -> None:
        loop, listener = asyncio.get_running_loop(), listen("127.0.0.1", 0)
        async with served(answer, listener, lifespan="off"):
            with socket.socket() as client:
                client.setblocking(False)
                await loop.sock_connect(client, listener.getsockname())
                await loop.sock_sendall(client, b"GET /a HTTP/1.1\r\nHost: test\r\n\r\n")
                assert (await loop.sock_recv(client, 4096)).startswith(b"HTTP/1.1 200")
                assert connections_held()
                if leaving == "by a reset":
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            while connections_held():
                await asyncio.sleep(0.01)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(asyncio.wait_for(scenario(), PATIENCE_S))


def test_bodies_that_wait_behind_a_request_are_bounded_in_all(monkeypatch: pytest.MonkeyPatch) -> None:
    body, limit = b"x" * 100_000, 250_000
    monkeypatch.setattr(http_protocol, "MAX_REQUEST_BYTES", limit)
    post = b"POST /a HTTP/1.1\r\nHost: test\r\nContent-Length: %d\r\n\r\n" % len(body) + body

    async def scenario() -> None:
        loop, listener = asyncio.get_running_loop(), listen("127.0.0.1", 0)
        async with served(answer, listener, lifespan="off"):
            with socket.socket() as client:
                client.setblocking(False)
                await loop.sock_connect(client, listener.getsockname())
                await loop.sock_sendall(client, b"GET /held HTTP/1.1\r\nHost: test\r\n\r\n" + post * 3)
                assert (await loop.sock_recv(client, 4096)).startswith(b"HTTP/1.1 400")

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(asyncio.wait_for(scenario(), PATIENCE_S))


def connections_held() -> list[HttpProtocol]:
    """What is in memory of connections, open or not, once garbage is collected."""
    gc.collect()
    return [held for held in gc.get_objects() if type(held) is HttpProtocol]


def test_signals_are_heard_within_the_block_alone() -> None:
    async def scenario() -> None:
        before = signal.getsignal(signal.SIGTERM)
        heard = asyncio.Event()
        with on_signals(heard.set):
            signal.raise_signal(signal.SIGTERM)
            await asyncio.wait_for(heard.wait(), PATIENCE_S)
        assert signal.getsignal(signal.SIGTERM) == before

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(scenario())


def test_a_server_that_stops_while_a_client_says_goodbye_does_not_stumble() -> None:
    stopped: list[str] = []

    class Leaving(WebSocketProtocol):
        """As the client's close frame leaves it until the connection is gone."""

        handshake_complete, close_sent = True, False

        def __init__(self) -> None:
            self.conn = ServerProtocol(state=State.CLOSING)
            self.transport = _Closing(stopped)

        def stop_keepalive(self) -> None:
            stopped.append("pings")

    Leaving().shutdown()
    assert stopped == ["pings", "connection"]


class _Closing(asyncio.Transport):
    def __init__(self, closed: list[str]) -> None:
        super().__init__()
        self._closed = closed

    def close(self) -> None:
        self._closed.append("connection")
