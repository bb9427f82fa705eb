"""A client that connects and then reads nothing, on a socket that holds next to nothing for it."""

from __future__ import annotations

import socket

_UPGRADE = (
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


def connect_and_read_nothing(port: int, path: str) -> socket.socket:
    """Ask for `path`, with an upgrade where it is a WebSocket's, and leave the answer unread."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.settimeout(20)
    client.connect(("127.0.0.1", port))
    headers = "Host: test\r\n" + (_UPGRADE if path.startswith("/ws") else "")
    client.sendall(f"GET {path} HTTP/1.1\r\n{headers}\r\n".encode())
    return client


def read_to_end(client: socket.socket) -> bytes:
    """All that is still to be had, until the server closes or resets."""
    chunks = []
    try:
        while chunk := client.recv(1 << 20):
            chunks.append(chunk)
    except ConnectionResetError:
        pass
    return b"".join(chunks)
