from __future__ import annotations

import socket

import pytest

from contract import wire
from tests.servers.conftest import PATIENCE_S, StartServer


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
