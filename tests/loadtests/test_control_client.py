"""What the harness says of servers that do not keep the contract, against stand-ins for the answers."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from urllib3 import HTTPResponse

from contract.errors import UserError
from loadtests import control_client as module
from loadtests.control_client import ControlClient
from tests.loadtests.raw_server import Behaviour, raw_server

pytestmark = pytest.mark.clocks


class Answering:
    """In the place of a connection pool."""

    def __init__(self, answer: Callable[[], HTTPResponse]) -> None:
        self._answer = answer

    def request(self, _method: str, _path: str, **_: Any) -> HTTPResponse:
        return self._answer()


def client(monkeypatch: pytest.MonkeyPatch, answer: Callable[[], HTTPResponse]) -> ControlClient:
    control = ControlClient("http://127.0.0.1:1")
    monkeypatch.setattr(control, "_http", Answering(answer))
    return control


def of_json(document: object) -> HTTPResponse:
    return HTTPResponse(json.dumps(document).encode(), status=200)


@pytest.mark.parametrize(
    ("response", "said"),
    [
        (
            HTTPResponse(b"<html>\n<h1>Not\nhere</h1>", status=404),
            "answered 404 <html> <h1>Not here</h1> (expected 200",
        ),
        (HTTPResponse(b"hello", status=200), "no usable answer"),
        (of_json(["ok"]), "expected a JSON object"),
        (of_json({"status": "ok"}), 'expected {"status": "ok", "transports": [names]}'),
    ],
)
def test_a_server_that_does_not_speak_the_contract(
    response: HTTPResponse, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UserError) as caught:
        client(monkeypatch, lambda: response).transports()
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "HTTPConnection" not in str(caught.value)


def test_a_stream_that_was_not_taken_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    control = client(monkeypatch, lambda: of_json({"t0_ns": 5, "events": 1}))
    with pytest.raises(UserError, match='"events": 2'):
        control.start_stream(100, [1, 2], ["a"])


def test_stats_without_what_was_published(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="without `published`"):
        client(monkeypatch, lambda: of_json({"connections": 0})).stats()


def test_one_clock_is_told_from_two(monkeypatch: pytest.MonkeyPatch) -> None:
    same = client(monkeypatch, lambda: of_json({"now_ns": time.monotonic_ns()}))
    assert same.read_clock().may_be_one_clock
    hour_ns = 3600 * 10**9
    other = client(monkeypatch, lambda: of_json({"now_ns": time.monotonic_ns() + hour_ns}))
    found = other.read_clock()
    assert not found.may_be_one_clock
    assert abs(found.offset_ns - hour_ns) <= found.round_trip_ns / 2 < hour_ns


def test_a_clock_of_doubles_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    since_1970_ns = 1_790_000_000 * 10**9
    control = client(monkeypatch, lambda: of_json({"now_ns": float(since_1970_ns + time.monotonic_ns())}))
    found = control.read_clock()
    assert abs(found.offset_ns - since_1970_ns) <= found.round_trip_ns / 2 + 256


@pytest.mark.parametrize("now_ns", [1.5, float("nan"), "12", None, True])
def test_a_clock_of_anything_but_whole_numbers_is_refused(now_ns: object, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match=r"/clock: answered .*now_ns.* whole numbers"):
        client(monkeypatch, lambda: of_json({"now_ns": now_ns})).read_clock()


def test_a_clock_that_stands_still_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match=r"/clock: answered 17 again and again for 100 ms"):
        client(monkeypatch, lambda: of_json({"now_ns": 17})).read_clock(2)


def test_a_start_and_stamps_may_be_doubles(monkeypatch: pytest.MonkeyPatch) -> None:
    assert client(monkeypatch, lambda: of_json({"t0_ns": 5.0, "events": 1.0})).start_stream(100, [1], ["a"]) == 5
    stats = client(monkeypatch, lambda: of_json({"published": [[1.0, 2.0, 3.0]], "connections": 1})).stats()
    assert stats == {"published": [[1, 2, 3]], "connections": 1}
    assert all(type(number) is int for number in stats["published"][0])


@pytest.mark.parametrize("row", [[1, 2], [1, 2, 3.5], [1, 2, None], 7, {"seq": 1}])
def test_a_row_of_what_was_published_that_is_none_is_shown(row: object, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match=r"in `published` \(expected rows of \[seq, due_ns, published_ns\]"):
        client(monkeypatch, lambda: of_json({"published": [row]})).stats()


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://[::1]:1"])
def test_where_nobody_listens_there_is_one_sentence(url: str) -> None:
    with pytest.raises(UserError, match=r"no usable answer to GET /health: .*expected a running server") as caught:
        ControlClient(url).transports()
    assert "\n" not in str(caught.value)
    assert "HTTPConnection" not in str(caught.value)


@pytest.mark.parametrize("answer", [b"", b"garbage\r\n\r\n"])
def test_what_is_no_http_answer_is_told_without_the_words_of_a_library(answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer_once() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(answer)

        thread = threading.Thread(target=answer_once)
        thread.start()
        with pytest.raises(UserError) as caught:
            ControlClient(f"http://127.0.0.1:{listener.getsockname()[1]}").transports()
        thread.join()
    said = "garbage" if answer else "Remote end closed connection without response"
    assert str(caught.value).endswith(f": no usable answer to GET /health: {said} (expected a running server)")


def test_a_server_that_never_answers_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_TIMEOUT_S", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(UserError) as caught:
            ControlClient(url).transports()
    assert str(caught.value) == f"{url}: did not answer GET /health within 0.05 s (expected a running server)"


def test_the_final_answer_is_the_one_behind_those_that_only_inform() -> None:
    with raw_server(Behaviour(informational=(103, 100, 102))) as (url, _):
        control = ControlClient(url)
        assert "sse" in control.transports()
        assert control.start_stream(0, [0], ["x"]) > 0
        control.close()
