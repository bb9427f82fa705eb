from __future__ import annotations

import asyncio
import inspect
import json
import sys
from collections.abc import Coroutine, Sequence
from pathlib import Path
from types import CodeType
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute, APIWebSocketRoute
from starlette.types import Message

from classroom.allowed_hosts import Addresses
from classroom.lanes.definitions import TRANSPORTS
from classroom.lesson.app import LessonAccess, create_lesson_app
from classroom.lesson.page_session import LessonSessions
from classroom.lesson.sample_programs import HTTP_PROGRAMS, LANE_PROGRAMS, SAMPLES
from classroom.lesson.samples import news as samples_news
from classroom.lesson.samples.news import Item, News
from classroom.lesson.traced_websocket import Note, States
from classroom.lesson.wire_units import Taps
from tests.classroom.conftest import PATIENCE_S

CONNECTING = States("CONNECTING", "CONNECTING")
CONNECTED = States("CONNECTED", "CONNECTED")
CLIENT_GONE = States("CONNECTED", "DISCONNECTED")
CLOSED_HERE = States("DISCONNECTED", "CONNECTED")


def text(message: str) -> Message:
    return {"type": "websocket.receive", "text": message}


def gone(code: int) -> Message:
    return {"type": "websocket.disconnect", "code": code}


def run(name: str, received: Sequence[Message], sends: int | None = None) -> tuple[list[Note], list[Message]]:
    """Serve one connection to its end; what was noted and what was sent. The connection is lost after some sends."""
    incoming = iter([{"type": "websocket.connect"}, *received])
    notes: list[Note] = []
    sent: list[Message] = []

    async def receive() -> Message:
        return dict(next(incoming))

    async def send(message: Message) -> None:
        if len(sent) == sends:
            raise ConnectionResetError  # as uvicorn says that nobody is there any more
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


def test_a_server_that_speaks_first_until_the_browser_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    slept_s: list[float] = []
    sleep = asyncio.sleep

    async def sleep_briefly(delay_s: float) -> None:
        slept_s.append(delay_s)
        await sleep(0)

    monkeypatch.setattr(asyncio, "sleep", sleep_briefly)
    notes, sent = run("push", [], sends=3)
    assert [message.get("text") for message in sent[1:]] == ["News 1", "News 2"]
    assert slept_s == [1, 1, 1]
    asleep = line_of("push", "asyncio.sleep(1)")
    waits = [note for note in notes if note.kind == "wait"]
    assert [(note.action, note.line, note.after) for note in waits] == [("asyncio.sleep(1)", asleep, CONNECTED)] * 3
    gone_at_last = States("DISCONNECTED", "CONNECTED")
    assert told(notes)[-2:] == [
        ("failed", "send_text", line_of("push", ".send_text("), CONNECTED, gone_at_last),
        ("end", "return", line_of("push", "return"), gone_at_last, gone_at_last),
    ]


def test_a_cancelled_sample_is_cancelled_where_it_waits() -> None:
    notes: list[Note] = []

    async def cancelled() -> None:
        arriving: list[Message] = [{"type": "websocket.connect"}]

        async def receive() -> Message:
            if not arriving:
                await asyncio.get_running_loop().create_future()
            return arriving.pop()

        async def send(_message: Message) -> None:
            return

        scope = {"type": "websocket", "path": "/", "headers": []}
        running = asyncio.ensure_future(SAMPLES["loop"].run(scope, receive, send, notes.append))
        while not any(note.action == "receive_text" for note in notes):
            await asyncio.sleep(0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(cancelled())


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


@pytest.mark.parametrize("name", HTTP_PROGRAMS)
def test_a_program_of_a_lane_is_shown_as_it_runs_by_itself(name: str) -> None:
    program = HTTP_PROGRAMS[name]
    described = program.described()
    assert described["source"] == Path(described["path"]).read_text()
    assert f"uvicorn {program.module.__name__}:app" in described["source"]
    assert isinstance(program.app, FastAPI)
    [route] = [route for route in program.app.routes if isinstance(route, APIRoute)]
    assert (route.path, route.endpoint) == ("/news", program.handler)
    statements = [line for line in described["source"].splitlines() if line and not line.startswith(("#", '"'))]
    assert len(statements) <= 13
    assert described["last_line"] - described["first_line"] + 1 <= 8


def test_each_lane_has_a_program() -> None:
    assert set(LANE_PROGRAMS) == set(TRANSPORTS)


class WatchedNews(News):
    """News that remember whose code has asked for them."""

    def __init__(self) -> None:
        super().__init__()
        self.asked_by: set[CodeType] = set()

    def after(self, number: int) -> list[Item]:
        self.asked_by.add(sys._getframe(1).f_code)
        return super().after(number)

    def wait_after(self, number: int) -> Coroutine[Any, Any, list[Item]]:
        self.asked_by.add(sys._getframe(1).f_code)
        return super().wait_after(number)


async def served(news: News, name: str, after: int) -> bytes:
    """What the lesson's server answers to one request for a program; of a stream, its beginning."""
    sessions = LessonSessions()
    app = create_lesson_app(LessonAccess(Addresses("127.0.0.1", 1, (), 2), sessions, Taps()), news)
    answer: list[bytes] = []
    is_told = asyncio.Event()

    async def receive() -> Message:
        await is_told.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            assert message["status"] == 200
            assert dict(message["headers"])[b"access-control-allow-origin"] == b"http://127.0.0.1:1"
        elif message.get("body"):
            answer.append(message["body"])
            is_told.set()

    session = sessions.begin()
    scope = {
        "type": "http", "method": "GET", "path": f"/lesson/{name}", "client": ("127.0.0.1", 3),
        "query_string": f"session={session.token}&run=1&after={after}".encode(),
        "headers": [(b"host", b"127.0.0.1:2"), (b"origin", b"http://127.0.0.1:1")],
    }  # fmt: skip
    await asyncio.wait_for(app(scope, receive, send), PATIENCE_S)
    session.open(1)  # its place is free again
    return answer[0]


@pytest.mark.parametrize("name", HTTP_PROGRAMS)
def test_the_file_that_is_shown_is_the_file_that_runs(name: str) -> None:
    """On the lesson's port too: the news are asked for by the code of the handler that the page shows, and no other."""
    news = WatchedNews()

    async def one_answer() -> bytes:
        await news.publish()
        await news.publish()
        return await served(news, name, after=1)

    answer = asyncio.run(one_answer()).decode()
    item = {"number": 2, "text": "News 2"}
    assert json.loads(answer.removeprefix("data: ")) == (item if name == "sse" else [item])
    own = {inspect.getfile(News), __file__}
    [code] = {code for code in news.asked_by if code.co_filename not in own}
    described = HTTP_PROGRAMS[name].described()
    assert code is HTTP_PROGRAMS[name].handler.__code__
    assert Path(code.co_filename) == Path(described["path"]).resolve()
    assert code.co_firstlineno == described["first_line"]


@pytest.mark.parametrize("name", ["long_poll", "sse"])
def test_who_asks_too_early_is_told_when_it_happens(name: str) -> None:
    async def asked_too_early() -> bytes:
        news = News()
        asking = asyncio.ensure_future(served(news, name, after=0))
        while not news.waiting:
            await asyncio.sleep(0)
        await news.publish()
        return await asking

    item = b'{"number":1,"text":"News 1"}'
    assert asyncio.run(asked_too_early()) == (b"data: %b\n\n" % item if name == "sse" else b"[%b]" % item)


def test_an_empty_short_poll_is_answered_at_once() -> None:
    async def asked() -> bytes:
        return await served(News(), "short_poll", after=0)

    assert asyncio.run(asked()) == b"[]"


def test_by_itself_a_program_publishes_news(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples_news, "PERIOD_S", 0.001)

    async def first_items() -> list[Item]:
        async with samples_news.lifespan(None) as state:
            await state["news"].wait_after(2)
            return state["news"].after(0)

    assert asyncio.run(first_items())[:3] == [Item(1, "News 1"), Item(2, "News 2"), Item(3, "News 3")]


def test_only_the_latest_news_are_kept() -> None:
    async def published() -> list[Item]:
        news = News()
        for _ in range(samples_news.MAX_KEPT + 5):
            await news.publish()
        return news.after(0)

    assert [item.number for item in asyncio.run(published())] == list(range(6, samples_news.MAX_KEPT + 6))
