"""Deflated answers that keep their pieces, and heads of a fixed length."""

from __future__ import annotations

import asyncio
import socket
import zlib

import pytest
from starlette.types import Message, Receive, Scope, Send

from contract import wire
from servers.hosting.middleware import Deflated
from tests import plain_http
from tests.servers.conftest import PATIENCE_S, StartServer

ACCEPTING = {"type": "http", "headers": [(b"accept-encoding", b"gzip, deflate")]}
PLAIN_HEADERS = [(b"content-length", b"2000"), (b"content-type", b"text/plain")]


def answered(scope: Scope, *messages: Message) -> list[Message]:
    """What reaches the server of what an app sends."""
    out: list[Message] = []

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        for message in messages:
            await send(message)

    async def receive() -> Message:
        raise AssertionError("nothing is received here")

    async def send(message: Message) -> None:
        out.append(message)

    asyncio.run(Deflated(app)(scope, receive, send))
    return out


def start(status: int = 200, headers: list[tuple[bytes, bytes]] | None = None) -> Message:
    return {"type": "http.response.start", "status": status, "headers": headers or []}


def body(data: bytes, more: bool = False) -> Message:
    return {"type": "http.response.body", "body": data, "more_body": more}


def test_an_answer_of_known_length_is_compressed_whole() -> None:
    begun, sent = answered(ACCEPTING, start(headers=PLAIN_HEADERS), body(b"a" * 2000))
    headers = dict(begun["headers"])
    assert zlib.decompress(sent["body"]) == b"a" * 2000
    assert int(headers[b"content-length"]) == len(sent["body"]) < 100
    assert headers[b"content-encoding"] == b"deflate"
    assert headers[b"content-type"] == b"text/plain"


def test_an_answer_without_an_end_can_be_read_piece_by_piece() -> None:
    begun, *pieces = answered(ACCEPTING, start(), body(b"one", True), body(b"two", True), body(b""))
    assert (b"content-encoding", b"deflate") in begun["headers"]
    inflater = zlib.decompressobj()
    assert [inflater.decompress(piece["body"]) for piece in pieces] == [b"one", b"two", b""]
    assert inflater.eof


@pytest.mark.parametrize(
    ("scope", "messages"),
    [
        ({"type": "http", "headers": []}, [start(headers=PLAIN_HEADERS), body(b"a" * 2000)]),
        ({"type": "http", "headers": [(b"accept-encoding", b"gzip")]}, [start(headers=PLAIN_HEADERS), body(b"a")]),
        (ACCEPTING, [start(204), body(b"")]),
        (ACCEPTING, [start(headers=[(b"content-length", b"0")]), body(b"")]),
    ],
)
def test_what_is_not_to_be_compressed_passes_as_it_is(scope: Scope, messages: list[Message]) -> None:
    assert answered(scope, *messages) == messages


def test_the_server_compresses_only_where_it_was_asked_to(start_server: StartServer) -> None:
    asked = {"accept-encoding": "deflate"}
    for options, encoding in (((), None), (("--compression", "deflate"), "deflate")):
        server = start_server("polling", *options)
        server.publish_at_once(5)
        response = plain_http.get(f"{server.url}/poll/short?after=0", headers=asked, timeout=PATIENCE_S)
        assert response.headers.get("content-encoding") == encoding
        assert response.json()["next"] == 5
        assert server.stats()["options"]["http_compression"] is (encoding is not None)


def head_of(port: int, path: str) -> bytes:
    """Status line and headers of an answer, as they came."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as sock:
        sock.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nAccept-Encoding: deflate\r\n\r\n".encode())
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += sock.recv(65536)
    return answer.partition(b"\r\n\r\n")[0]


@pytest.mark.parametrize("options", [(), ("--stack", "asgi"), ("--compression", "deflate")])
def test_the_head_of_every_poll_has_its_padded_length(start_server: StartServer, options: tuple[str, ...]) -> None:
    server = start_server("polling", "--headers", "padded", *options)
    server.publish_at_once(12)
    for after in (12, 11, 0):
        lines = head_of(server.port, f"/poll/short?after={after}").split(b"\r\n")
        assert sum(map(len, lines)) == wire.PADDED_RESPONSE_CHARACTERS


def test_the_lengths_are_those_of_the_comparison() -> None:
    assert wire.PADDED_REQUEST_CHARACTERS + wire.PADDED_RESPONSE_CHARACTERS == 871


def test_heads_are_lean_unless_asked(start_server: StartServer) -> None:
    server = start_server("polling")
    assert b"padding" not in head_of(server.port, "/poll/short?after=0")
