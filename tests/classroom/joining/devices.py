"""Devices of a class without browsers: how they join, and what they hear on their live sockets."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
import websockets.sync.client as websockets
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin

from tests import plain_http
from tests.classroom.conftest import PATIENCE_S, RunningClassroom


def join(at: RunningClassroom, **changed: Any) -> httpx.Response:
    """As the join page does it: without the teacher's key."""
    headers = {"Origin": at.url} | changed.pop("headers", {})
    body = changed or {"json": {"code": at.join_code}}
    return plain_http.post(f"{at.url}/api/join", headers=headers, timeout=PATIENCE_S, **body)


def joined(at: RunningClassroom) -> dict[str, Any]:
    response = join(at)
    assert response.status_code == 200, response.text
    device: dict[str, Any] = response.json()
    return device


@contextmanager
def live(at: RunningClassroom, query: str, origin: str | None = None) -> Iterator[websockets.ClientConnection]:
    address = f"{at.websocket_url}/api/live?{query}"
    with websockets.connect(address, origin=Origin(origin or at.url), max_size=None) as socket:
        yield socket


def heard(socket: websockets.ClientConnection, kind: str, run: int | None = None) -> dict[str, Any]:
    """The next message of this type (of this run)."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        message: dict[str, Any] = json.loads(socket.recv(max(0.0, deadline - time.monotonic())))
        told_run = message["run"]["id"] if kind == "run" and message["type"] == "run" else message.get("run")
        if message["type"] == kind and run in (None, told_run):
            return message


def closed(socket: websockets.ClientConnection) -> tuple[int, str]:
    """Code and reason with which the server closes."""
    with pytest.raises(ConnectionClosed) as caught:
        while True:
            socket.recv(PATIENCE_S)
    assert caught.value.rcvd is not None
    return caught.value.rcvd.code, caught.value.rcvd.reason
