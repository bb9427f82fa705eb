"""The page's port: who may ask, and under which headers the page stands."""

from __future__ import annotations

import asyncio
import re
import socket

import httpx
import pytest
from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from classroom.allowed_hosts import Addresses
from classroom.page.guard import PageGuard, security_headers
from tests import plain_http
from tests.classroom.conftest import PATIENCE_S, RunningClassroom, running_classroom


def ask(classroom: RunningClassroom, method: str, path: str, headers: dict[str, str]) -> httpx.Response:
    content = b"{}" if method == "POST" else None
    return plain_http.request(method, f"{classroom.url}{path}", headers=headers, timeout=PATIENCE_S, content=content)


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1:1", "127.0.0.1.evil.example:{port}"]
)
@pytest.mark.parametrize("path", ["/", "/api/record", "/static/index.html"])
def test_a_name_that_was_rebound_to_this_machine(classroom: RunningClassroom, host: str, path: str) -> None:
    response = ask(classroom, "GET", path, {"Host": host.format(port=classroom.page_port)})
    assert response.status_code == 403
    assert response.json() == {"detail": "the Host header does not name this classroom"}


@pytest.mark.parametrize("path", ["/api/run", "/api/stop", "/api/auto"])
@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:{port}", None])
def test_only_the_page_itself_may_change_anything(classroom: RunningClassroom, path: str, origin: str | None) -> None:
    headers = {} if origin is None else {"Origin": origin.format(port=classroom.page_port)}
    response = ask(classroom, "POST", path, headers)
    assert response.status_code == 403
    assert classroom.url in response.json()["detail"]


def test_a_foreign_page_reads_nothing(classroom: RunningClassroom) -> None:
    response = ask(classroom, "GET", "/api/model", {"Origin": "http://evil.example"})
    assert response.status_code == 403
    assert "access-control-allow-origin" not in response.headers


def test_the_same_classroom_under_its_other_name(classroom: RunningClassroom) -> None:
    name = f"localhost:{classroom.page_port}"
    response = ask(classroom, "GET", "/api/model", {"Host": name, "Origin": f"http://{name}"})
    assert response.status_code == 200
    policy = response.headers["content-security-policy"]
    assert f"http://localhost:{classroom.lane_ports[0]}" in policy
    assert "127.0.0.1" not in policy


def test_headers_isolate_the_page_and_name_no_other_host(classroom: RunningClassroom) -> None:
    headers = ask(classroom, "GET", "/api/model", {}).headers
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cross-origin-embedder-policy"] == "require-corp"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["worker-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    ports = {classroom.page_port, *classroom.lane_ports, classroom.lesson_port}
    sources = {f"{scheme}://127.0.0.1:{port}" for scheme in ("http", "ws") for port in ports}
    assert set(policy["connect-src"].split()) == {"'self'", *sources}
    assert set(re.findall(r"//([^: ]+)", headers["content-security-policy"])) == {"127.0.0.1"}


def test_the_policy_follows_the_name_that_was_asked_for() -> None:
    addresses = Addresses("0.0.0.0", 8000, (8001, 8002, 8003, 8004), 8005)
    policy = dict(security_headers(addresses, "192.168.1.5"))[b"content-security-policy"]
    assert b"ws://192.168.1.5:8001 " in policy


@pytest.mark.parametrize(
    "path", ["/nothing", "/api/nothing", "/static/nothing.js", "/static/../app.py", "/openapi.json"]
)
def test_what_is_not_there(classroom: RunningClassroom, path: str) -> None:
    assert ask(classroom, "GET", path, {}).status_code == 404


def test_a_page_that_is_closed_while_it_sends_is_no_error() -> None:
    async def reads_all(scope: Scope, receive: Receive, send: Send) -> None:
        await Request(scope, receive, send).body()
        raise AssertionError("the body never came whole")

    async def leave() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        raise AssertionError(f"nobody is left to get {message}")

    headers = [(b"host", b"127.0.0.1:8000"), (b"origin", b"http://127.0.0.1:8000")]
    scope = {"type": "http", "method": "POST", "path": "/api/run", "headers": headers}
    addresses = Addresses("127.0.0.1", 8000, (8001, 8002, 8003, 8004), 8005)
    asyncio.run(PageGuard(reads_all, addresses)(scope, leave, send))  # uvicorn logs whatever an app raises


def test_a_request_that_is_broken_off_leaves_nothing_in_the_log() -> None:
    with running_classroom() as classroom:  # at its end the log must be empty
        for path, body in (("/api/run", b""), ("/api/run", b'{"auto"'), ("/api/stop", b"{"), ("/api/auto", b"")):
            with socket.create_connection(("127.0.0.1", classroom.page_port), PATIENCE_S) as connection:
                head = (
                    f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{classroom.page_port}\r\nOrigin: {classroom.url}\r\n"
                    "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n"
                )
                connection.sendall(head.encode() + body)
        for _ in range(5):  # connections of later: those before are closed when these are served
            assert classroom.request("GET", "/api/model").status_code == 200
