from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from starlette.types import Message
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from classroom.allowed_hosts import Addresses
from classroom.lesson.app import MAX_BODY_BYTES, MAX_LIFE_S, MAX_MESSAGE_CHARACTERS, LessonAccess, create_lesson_app
from classroom.lesson.page_session import (
    ACTIONS_PER_S,
    MAX_OPEN_SOCKETS,
    MAX_SESSIONS,
    MAX_WAITING_ROWS,
    LessonSession,
    LessonSessions,
)
from classroom.lesson.sample_programs import LANE_PROGRAMS, SAMPLES
from classroom.lesson.samples.news import News
from classroom.lesson.wire_units import Taps
from classroom.refusals import RefusedError
from tests import plain_http
from tests.classroom.conftest import PATIENCE_S, RunningClassroom

Row = dict[str, Any]


class Follower:
    """A page's socket to the lesson: its session, and every row that it has received."""

    def __init__(self, classroom: RunningClassroom, socket: ClientConnection) -> None:
        self._classroom = classroom
        self._socket = socket
        self.hello = self._next()
        self.rows: list[Row] = []

    def _next(self) -> Row:
        row: Row = json.loads(self._socket.recv(PATIENCE_S))
        return row

    def until(self, **wanted: Any) -> Row:
        """The first row with these values: heard already, or yet to come."""
        while True:
            for row in self.rows:
                if row.items() >= wanted.items():
                    return row
            self.rows.append(self._next())

    @contextmanager
    def lesson(self, sample: str, run: int | str, **changes: str) -> Iterator[ClientConnection]:
        """A WebSocket to a sample, as the page opens it."""
        query = {"session": self.hello["session"], "run": str(run)} | changes
        url = f"ws://127.0.0.1:{self._classroom.lesson_port}/lesson/{sample}?{httpx.QueryParams(query)}"
        with connect(url, origin=Origin(self._classroom.url), compression=None, open_timeout=PATIENCE_S) as socket:
            yield socket

    def get(self, name: str, *, origin: str | None = None, **changes: str) -> httpx.Response:
        """A request of the page's to a program over HTTP, or for what a server has pushed."""
        url, query, headers = self._request(name, origin, changes)
        return plain_http.get(url, params=query, headers=headers, timeout=PATIENCE_S)

    @contextmanager
    def stream(self, name: str, **changes: str) -> Iterator[Iterator[str]]:
        """The lines of an answer that does not end."""
        url, query, headers = self._request(name, None, changes)
        with (
            httpx.Client(verify=plain_http.NO_CERTIFICATES, trust_env=False, timeout=PATIENCE_S) as client,
            client.stream("GET", url, params=query, headers=headers) as response,
        ):
            yield response.iter_lines()

    def _request(
        self, name: str, origin: str | None, changes: dict[str, str]
    ) -> tuple[str, dict[str, str], dict[str, str]]:
        query = {"session": self.hello["session"], "run": "1", "n": "1"} | changes
        url = f"http://127.0.0.1:{self._classroom.lesson_port}/lesson/{name}"
        return url, query, {"Origin": origin or self._classroom.url}

    def post(self, content: bytes, *, origin: str | None = None, **changes: str) -> httpx.Response:
        """A message as polling would send it."""
        url, query, headers = self._request("echo", origin, changes)
        return plain_http.post(url, params=query, content=content, headers=headers, timeout=PATIENCE_S)


@contextmanager
def following(classroom: RunningClassroom) -> Iterator[Follower]:
    url = f"{classroom.websocket_url}/api/lesson"
    with connect(url, origin=Origin(classroom.url), compression=None, max_queue=None) as socket:
        yield Follower(classroom, socket)


@pytest.fixture
def page(classroom: RunningClassroom) -> Iterator[Follower]:
    with following(classroom) as follower:
        yield follower


def closing(socket: ClientConnection) -> tuple[int | None, str]:
    """How the other side closes; code None is the end of the stream without a close frame."""
    with pytest.raises(ConnectionClosed) as closed:
        while True:
            socket.recv(PATIENCE_S)
    frame = closed.value.rcvd
    return (frame.code, frame.reason) if frame else (None, "")


def units(rows: list[Row], direction: str) -> list[tuple[str, int, int]]:
    return [
        (row["kind"], row["total_bytes"], row["payload_bytes"])
        for row in rows
        if row["type"] == "wire" and row["direction"] == direction
    ]


def goes_on(page: Follower, run: int) -> bool:
    """Whether the lesson still answers."""
    with page.lesson("loop", run) as socket:
        socket.send("still there?")
        return socket.recv(PATIENCE_S) == "Received: still there?"


def test_the_single_echo_is_over_after_one_answer_without_a_close_frame(page: Follower) -> None:
    with page.lesson("once", 1) as socket:
        socket.send("Hello")
        assert socket.recv(PATIENCE_S) == "Received: Hello"
        assert closing(socket) == (None, "")
    page.until(type="wire", direction="down", kind="end")
    [request, message, *_] = units(page.rows, "up")
    assert request[0] == "http"
    assert message == ("text", 6 + 5, 5)
    [switching, answer, end] = units(page.rows, "down")
    assert switching[0] == "http"
    assert answer == ("text", 2 + 15, 15)
    assert end == ("end", 0, 0)
    notes = [(row["kind"], row["action"]) for row in page.rows if row["type"] == "note"]
    assert notes[-1] == ("end", "return")
    assert ("done", "close") not in notes


@pytest.mark.parametrize("by", ["browser", "server"])
def test_the_loop_lasts_until_either_side_closes(page: Follower, by: str) -> None:
    with page.lesson("loop", 1) as socket:
        for number in range(3):
            socket.send(str(number))
            assert socket.recv(PATIENCE_S) == f"Received: {number}"
        if by == "server":
            socket.send("Bye")
            assert socket.recv(PATIENCE_S) == "Received: Bye"
            assert closing(socket) == (1000, "")
    end = page.until(type="note", kind="end")
    page.until(type="wire", direction="down", kind="end")
    assert end["action"] == "return"
    states = end["after"]
    other = "application_state" if by == "server" else "client_state"
    assert [name for name, state in states.items() if state == "DISCONNECTED"] == [other]
    assert [kind for kind, *_ in units(page.rows, "up")].count("http") == 1
    for direction in ("up", "down"):
        kinds = [kind for kind, *_ in units(page.rows, direction)]
        assert kinds.count("text") == (4 if by == "server" else 3)
        assert kinds.count("close") == 1


def test_the_same_echo_as_requests(page: Follower, classroom: RunningClassroom) -> None:
    response = page.post("Grüße".encode(), n="1")
    assert (response.status_code, response.text) == (200, "Received: Grüße")
    assert response.headers["access-control-allow-origin"] == classroom.url
    told = page.until(type="exchange")
    assert (told["text"], told["answer"], told["run"], told["exchange"]) == ("Grüße", "Received: Grüße", 1, 1)
    assert told["arrived_ns"] <= told["answered_ns"]
    page.until(type="wire", direction="down")
    [(_, request_bytes, request_payload)] = units(page.rows, "up")
    [(_, response_bytes, response_payload)] = units(page.rows, "down")
    head = "".join(f"{name}: {value}\r\n" for name, value in response.request.headers.items())
    line = f"POST {response.request.url.raw_path.decode()} HTTP/1.1\r\n"
    assert request_bytes == len(line) + len(head) + 2 + request_payload
    assert request_payload == len("Grüße".encode())
    head = "".join(f"{name}: {value}\r\n" for name, value in response.headers.items())
    assert response_bytes == len("HTTP/1.1 200 OK\r\n") + len(head) + 2 + len(response.content)
    assert response_payload == len(response.content)


@pytest.mark.parametrize(
    ("send", "code", "told"),
    [
        pytest.param("x" * (MAX_MESSAGE_CHARACTERS + 1), 1009, "at most", id="too long"),
        pytest.param(b"bytes", 1003, "only text", id="binary"),
        pytest.param(["x"] * 100, 1008, "too fast", id="too fast"),
    ],
)
def test_bad_messages_are_refused_in_words(page: Follower, send: str | bytes | list[str], code: int, told: str) -> None:
    with page.lesson("loop", 1) as socket:
        for message in send if isinstance(send, list) else [send]:
            socket.send(message)
        closed, reason = closing(socket)
    assert closed == code
    assert told in reason
    assert page.until(type="refused")["detail"] == reason
    end = page.until(type="note", kind="end")
    assert end["after"]["client_state"] == "DISCONNECTED"


@pytest.mark.parametrize(
    ("sample", "run", "changes", "status", "told"),
    [
        ("once", "0", {}, 422, "run: '0' is not a whole number from 1"),
        ("once", "x" * 500, {}, 422, "run: 'xxx"),
        ("loop", "²", {}, 422, "run: '\\xb2'"),
        ("loop", "1", {"session": "guessed"}, 403, "session: unknown"),
    ],
)
def test_bad_upgrades_are_refused_in_words(
    page: Follower, sample: str, run: str, changes: dict[str, str], status: int, told: str
) -> None:
    with pytest.raises(InvalidStatus) as refused, page.lesson(sample, run, **changes):
        pass
    assert refused.value.response.status_code == status
    assert json.loads(refused.value.response.body)["detail"].startswith(told)
    assert goes_on(page, 5)


def test_each_connection_has_a_number_of_its_own_and_there_are_few(page: Follower) -> None:
    with page.lesson("loop", 1):
        with pytest.raises(InvalidStatus) as refused, page.lesson("loop", 1):
            pass
        assert refused.value.response.status_code == 409
        assert "run 1 is open already" in page.until(type="refused")["detail"]
    session = LessonSession()
    for run in range(MAX_OPEN_SOCKETS):
        session.open(run)
    with pytest.raises(RefusedError, match="too many open connections"):
        session.open(MAX_OPEN_SOCKETS)
    session.close(0)
    session.open(MAX_OPEN_SOCKETS)


@pytest.mark.parametrize(
    ("content", "changes", "status", "told"),
    [
        (b"x" * (MAX_BODY_BYTES + 1), {}, 413, "message too long"),
        ("é".encode() * (MAX_MESSAGE_CHARACTERS + 1), {}, 413, "message too long"),
        (b"\xff\xfe", {}, 422, "not UTF-8"),
        (b"Hello", {"n": "-1"}, 422, "n: '-1' is not a whole number"),
        (b"Hello", {"session": ""}, 403, "session: unknown"),
    ],
)
def test_bad_requests_are_refused_in_words(
    page: Follower, content: bytes, changes: dict[str, str], status: int, told: str
) -> None:
    response = page.post(content, **changes)
    assert response.status_code == status
    assert told in response.json()["detail"]
    assert page.post(b"Hello").text == "Received: Hello"


def test_foreign_pages_are_refused(page: Follower, classroom: RunningClassroom) -> None:
    response = page.post(b"Hello", origin="http://elsewhere.example")
    assert response.status_code == 403
    assert "the Origin must be the classroom's own page" in response.json()["detail"]
    assert "access-control-allow-origin" not in response.headers
    for origin in ("http://elsewhere.example", None):
        for url in (
            f"ws://127.0.0.1:{classroom.lesson_port}/lesson/loop?session={page.hello['session']}&run=9",
            f"{classroom.websocket_url}/api/lesson",
        ):
            with pytest.raises(InvalidStatus) as refused, connect(url, origin=Origin(origin) if origin else None):
                pass
            assert refused.value.response.status_code == 403
    assert goes_on(page, 10)


def test_nothing_but_the_lesson_is_on_its_port(page: Follower, classroom: RunningClassroom) -> None:
    url = f"http://127.0.0.1:{classroom.lesson_port}"
    for method, path, status in (("GET", "/lesson/echo", 405), ("POST", "/stream", 404), ("GET", "/", 404)):
        assert plain_http.request(method, f"{url}{path}", headers={"Origin": classroom.url}).status_code == status
    assert goes_on(page, 11)


def test_a_session_is_over_with_its_page(page: Follower, classroom: RunningClassroom) -> None:
    with following(classroom) as other:
        assert other.post(b"Hello").status_code == 200
    deadline = time.monotonic() + PATIENCE_S
    while other.post(b"Hello").status_code != 403:
        assert time.monotonic() < deadline, "the session outlived its page"
    assert page.post(b"Hello").status_code == 200


def test_the_pages_line_expects_no_messages(classroom: RunningClassroom) -> None:
    with connect(f"{classroom.websocket_url}/api/lesson", origin=Origin(classroom.url)) as socket:
        socket.recv(PATIENCE_S)
        socket.send("let me talk")
        code, reason = closing(socket)
    assert code == 1008
    assert "expects no messages" in reason


def test_rows_go_to_their_own_page_alone(page: Follower, classroom: RunningClassroom) -> None:
    with following(classroom) as other:
        assert other.post(b"secret").status_code == 200
        assert page.post(b"mine").status_code == 200
        assert page.until(type="exchange")["text"] == "mine"
        assert not any(row.get("text") == "secret" for row in page.rows)


def test_the_hello_tells_what_a_page_needs(page: Follower, classroom: RunningClassroom) -> None:
    assert page.hello["port"] == classroom.lesson_port
    assert page.hello["samples"] == {name: sample.described() for name, sample in SAMPLES.items()}
    assert page.hello["programs"] == {name: program.described() for name, program in LANE_PROGRAMS.items()}
    assert page.hello["max_message_characters"] == MAX_MESSAGE_CHARACTERS


class ShiftedLoop(asyncio.SelectorEventLoop):
    """A loop whose clock a test puts forward."""

    shift_s = 0.0

    def time(self) -> float:
        return super().time() + self.shift_s


def test_a_stream_that_nobody_closes_is_over_in_the_end() -> None:
    """Its time passes as soon as it has begun."""
    loop = ShiftedLoop()
    sessions = LessonSessions()
    session = sessions.begin()
    access = LessonAccess(Addresses("127.0.0.1", 1, (), 2), sessions, Taps())
    app = create_lesson_app(access, News())
    sent: list[Message] = []

    async def served() -> None:
        async def receive() -> Message:
            message: Message = await asyncio.get_running_loop().create_future()
            return message

        async def send(message: Message) -> None:
            sent.append(message)
            loop.shift_s = MAX_LIFE_S

        scope = {
            "type": "http", "method": "GET", "path": "/lesson/sse", "client": ("127.0.0.1", 3),
            "query_string": f"session={session.token}&run=1".encode(),
            "headers": [(b"host", b"127.0.0.1:2"), (b"origin", b"http://127.0.0.1:1")],
        }  # fmt: skip
        await app(scope, receive, send)

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(served())
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    assert not sent[-1].get("more_body", False)


def test_what_a_server_pushes_can_be_polled(page: Follower) -> None:
    with page.lesson("push", 1) as socket:
        pushed = [str(socket.recv(PATIENCE_S))]
        assert page.get("sent", after="0").json()[:1] == pushed
        pushed.append(str(socket.recv(PATIENCE_S)))
        assert page.get("sent", after="1").json()[:1] == pushed[1:]
        assert page.get("sent", after="1000").json() == []
    assert pushed == ["News 1", "News 2"]
    for query, status, told in (
        ({"after": "-1"}, 422, "after: '-1' is not a whole number from 0"),
        ({"after": "0", "session": "guessed"}, 403, "session: unknown"),
    ):
        response = page.get("sent", **query)
        assert response.status_code == status
        assert told in response.json()["detail"]
    page.until(type="note", kind="end")


def test_what_was_pushed_is_gone_with_its_connection() -> None:
    session = LessonSession()
    session.open(1)
    session.record_sent(1, "News 1")
    assert (session.sent_after(1, 0), session.sent_after(1, 1), session.sent_after(2, 0)) == (["News 1"], [], [])
    session.close(1)
    assert session.sent_after(1, 0) == []


@pytest.mark.parametrize("program", ["long_poll", "short_poll", "sse"])
def test_the_programs_of_the_lanes_are_the_pages_alone(page: Follower, program: str) -> None:
    assert page.get(program, origin="http://elsewhere.example").status_code == 403
    assert page.get(program, session="guessed").status_code == 403
    assert page.get(program, run="0").status_code == 422


def test_the_programs_of_the_lanes_deliver_the_same_news(page: Follower) -> None:
    [*_, newest] = page.get("long_poll", after="0").json()
    after = str(newest["number"])
    item, *_ = page.get("long_poll", after=after).json()
    assert item == {"number": newest["number"] + 1, "text": f"News {newest['number'] + 1}"}
    assert page.get("short_poll", after=after).json()[0] == item
    with page.stream("sse", after=after) as lines:
        assert json.loads(next(lines).removeprefix("data: ")) == item
    assert goes_on(page, 12)


def test_too_many_pages_are_refused() -> None:
    sessions = LessonSessions()
    first, *_ = [sessions.begin() for _ in range(MAX_SESSIONS)]
    with pytest.raises(RefusedError, match="too many pages"):
        sessions.begin()
    sessions.end(first)
    assert sessions.begin().token != first.token


def test_a_page_that_does_not_read_is_given_up() -> None:
    session = LessonSession()
    for number in range(MAX_WAITING_ROWS + 10):
        session.send({"number": number})
    rows = [session.rows.get_nowait() for _ in range(session.rows.qsize())]
    assert len(rows) == MAX_WAITING_ROWS
    assert rows[-1] is None


def test_actions_come_at_a_limited_rate() -> None:
    session = LessonSession()
    with pytest.raises(RefusedError, match="too fast"):
        for _ in range(int(10 * ACTIONS_PER_S)):
            session.count_action()


@pytest.mark.parametrize("sample", ["loop", "push"])
def test_a_connection_that_nobody_closes_is_closed_in_the_end(sample: str) -> None:
    """With a life of no time at all, so that the test need not wait."""
    sessions = LessonSessions()
    session = sessions.begin()
    addresses = Addresses("127.0.0.1", 1, (), 2)
    app = create_lesson_app(LessonAccess(addresses, sessions, Taps()), News(), max_life_s=0.0)
    sent: list[Message] = []

    async def served() -> None:
        arriving: asyncio.Queue[Message] = asyncio.Queue()
        arriving.put_nowait({"type": "websocket.connect"})

        async def send(message: Message) -> None:
            sent.append(message)

        headers = [(b"host", b"127.0.0.1:2"), (b"origin", b"http://127.0.0.1:1")]
        query = f"session={session.token}&run=1".encode()
        scope = {
            "type": "websocket", "path": f"/lesson/{sample}", "query_string": query, "headers": headers,
            "client": ("127.0.0.1", 3), "subprotocols": [],
        }  # fmt: skip
        await asyncio.wait_for(app(scope, arriving.get, send), PATIENCE_S)

    asyncio.run(served())
    assert sent[-1]["type"] == "websocket.close"
    assert sent[-1]["code"] == 1001
    assert "time is over" in sent[-1]["reason"]
