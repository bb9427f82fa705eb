from __future__ import annotations

import asyncio
import inspect
from collections.abc import Sequence
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.routing import APIWebSocketRoute
from starlette.types import Message

from classroom.lesson.sample_programs import SAMPLES
from classroom.lesson.traced_websocket import Note, States

CONNECTING = States("CONNECTING", "CONNECTING")
CONNECTED = States("CONNECTED", "CONNECTED")
CLIENT_GONE = States("CONNECTED", "DISCONNECTED")
CLOSED_HERE = States("DISCONNECTED", "CONNECTED")


def text(message: str) -> Message:
    return {"type": "websocket.receive", "text": message}


def gone(code: int) -> Message:
    return {"type": "websocket.disconnect", "code": code}


def run(name: str, received: Sequence[Message]) -> tuple[list[Note], list[Message]]:
    """Serve one connection to its end; what was noted and what was sent."""
    incoming = iter([{"type": "websocket.connect"}, *received])
    notes: list[Note] = []
    sent: list[Message] = []

    async def receive() -> Message:
        return dict(next(incoming))

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "websocket", "path": "/", "headers": []}
    asyncio.run(SAMPLES[name].run(scope, receive, send, notes.append))
    return notes, sent


def line_of(name: str, code: str, nth: int = 0) -> int:
    """Where this stands in the sample's file."""
    lines = inspect.getsource(SAMPLES[name].module).splitlines()
    return [number for number, line in enumerate(lines, start=1) if code in line][nth]


def told(notes: list[Note]) -> list[tuple[str, str, int, States, States]]:
    return [(note.kind, note.action, note.line, note.before, note.after) for note in notes]


def test_the_single_echo_step_by_step() -> None:
    notes, sent = run("once", [text("Hello")])
    accept, receive, send = (line_of("once", f".{name}(") for name in ("accept", "receive_text", "send_text"))
    assert told(notes) == [
        ("start", "upgrade", line_of("once", "@app.websocket"), CONNECTING, CONNECTING),
        ("call", "accept", accept, CONNECTING, CONNECTING),
        ("done", "accept", accept, CONNECTING, CONNECTED),
        ("call", "receive_text", receive, CONNECTED, CONNECTED),
        ("done", "receive_text", receive, CONNECTED, CONNECTED),
        ("call", "send_text", send, CONNECTED, CONNECTED),
        ("done", "send_text", send, CONNECTED, CONNECTED),
        ("end", "return", send, CONNECTED, CONNECTED),
    ]
    assert [note.text for note in notes if note.kind == "done"] == [None, "Hello", "Received: Hello"]
    assert [message["type"] for message in sent] == ["websocket.accept", "websocket.send"]
    assert [note.at_ns for note in notes] == sorted(note.at_ns for note in notes)


def test_the_single_echo_when_the_browser_leaves_first() -> None:
    notes, _ = run("once", [gone(1001)])
    receive = line_of("once", ".receive_text(")
    assert told(notes)[-2:] == [
        ("failed", "receive_text", receive, CONNECTED, CLIENT_GONE),
        ("end", "WebSocketDisconnect", receive, CLIENT_GONE, CLIENT_GONE),
    ]
    assert notes[-2].code == 1001


def test_the_loop_until_the_browser_closes() -> None:
    notes, sent = run("loop", [text("one"), text("two"), gone(1000)])
    assert [message.get("text") for message in sent[1:]] == ["Received: one", "Received: two"]
    waits = [note for note in notes if note.kind == "call" and note.action == "receive_text"]
    assert len(waits) == 3
    assert told(notes)[-2:] == [
        ("failed", "receive_text", line_of("loop", ".receive_text("), CONNECTED, CLIENT_GONE),
        ("end", "return", line_of("loop", "return", 1), CLIENT_GONE, CLIENT_GONE),
    ]


def test_the_loop_until_the_server_closes() -> None:
    notes, sent = run("loop", [text("Bye")])
    close = line_of("loop", ".close(")
    assert told(notes)[-2:] == [
        ("done", "close", close, CONNECTED, CLOSED_HERE),
        ("end", "return", line_of("loop", "return", 0), CLOSED_HERE, CLOSED_HERE),
    ]
    assert notes[-2].code == 1000
    assert sent[-1]["type"] == "websocket.close"


@pytest.mark.parametrize("name", SAMPLES)
def test_what_is_shown_is_what_runs(name: str) -> None:
    sample = SAMPLES[name]
    described = sample.described()
    assert described["source"] == Path(described["path"]).read_text()
    shown = described["source"].splitlines()[described["first_line"] - 1 : described["last_line"]]
    assert "\n".join(shown) == inspect.getsource(sample.handler).rstrip()
    app = sample.module.app
    assert isinstance(app, FastAPI)
    [route] = [route for route in app.routes if isinstance(route, APIWebSocketRoute)]
    assert route.path == "/ws"
    assert route.endpoint is sample.handler
    assert f"uvicorn {sample.module.__name__}:app" in described["source"]


def test_by_itself_a_sample_sends_what_it_sends_in_the_lesson() -> None:
    """Through FastAPI, with the plain WebSocket in place of the traced one."""
    arriving: list[Message] = [{"type": "websocket.connect"}, text("Hello")]
    sent: list[Message] = []

    async def receive() -> Message:
        return arriving.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "websocket", "path": "/ws", "headers": [], "query_string": b"", "subprotocols": []}
    asyncio.run(SAMPLES["once"].module.app(scope, receive, send))
    _, in_lesson = run("once", [text("Hello")])
    assert [message["type"] for message in sent] == ["websocket.accept", "websocket.send"]
    assert sent == in_lesson
