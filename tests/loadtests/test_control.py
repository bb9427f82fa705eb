"""What the harness says of servers that do not keep the contract, against stand-ins on httpx' own mock transport."""

from __future__ import annotations

import time
from collections.abc import Callable

import httpx
import pytest

from loadtests.control import ControlClient
from loadtests.records import UserError


def client(monkeypatch: pytest.MonkeyPatch, answer: Callable[[httpx.Request], httpx.Response]) -> ControlClient:
    control = ControlClient("http://127.0.0.1:1")
    monkeypatch.setattr(
        control, "_http", httpx.Client(base_url="http://127.0.0.1:1", transport=httpx.MockTransport(answer))
    )
    return control


@pytest.mark.parametrize(
    ("response", "said"),
    [
        (httpx.Response(404, html="<html>\n<h1>Not\nhere</h1>"), "answered 404 <html> <h1>Not here</h1> (expected 200"),
        (httpx.Response(200, text="hello"), "no usable answer"),
        (httpx.Response(200, json=["ok"]), "expected a JSON object"),
        (httpx.Response(200, json={"status": "ok"}), 'expected {"status": "ok", "transports": [names]}'),
    ],
)
def test_a_server_that_does_not_speak_the_contract(
    response: httpx.Response, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UserError) as caught:
        client(monkeypatch, lambda _: response).transports()
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_stream_that_was_not_taken_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    control = client(monkeypatch, lambda _: httpx.Response(200, json={"t0_ns": 5, "events": 1}))
    with pytest.raises(UserError, match='"events": 2'):
        control.start_stream(100, [1, 2], ["a"])


def test_stats_without_what_was_published(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="without `published`"):
        client(monkeypatch, lambda _: httpx.Response(200, json={"connections": 0})).stats()


def test_one_clock_is_told_from_two(monkeypatch: pytest.MonkeyPatch) -> None:
    same = client(monkeypatch, lambda _: httpx.Response(200, json={"now_ns": time.monotonic_ns()}))
    assert same.clock().offset_ns == 0
    hour_ns = 3600 * 10**9
    other = client(monkeypatch, lambda _: httpx.Response(200, json={"now_ns": time.monotonic_ns() + hour_ns}))
    found = other.clock()
    assert abs(found.offset_ns - hour_ns) <= found.uncertainty_ns < hour_ns
