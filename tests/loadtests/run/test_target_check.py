"""What a target does otherwise than it should is said before the first trial: what, at which path, and what to do."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest

from contract.errors import UserError
from loadtests.plan.blocks import plan_trials
from loadtests.plan.scenario_file import load_scenario
from loadtests.run import target_check
from loadtests.run.target_check import check_transports
from system.addresses import Target
from tests.loadtests.nginx import nginx_before
from tests.loadtests.raw_server import Answer, Behaviour, raw_server
from tests.running import running_server
from tests.runs import ECHOES, STREAMS, in_process, refused, scenario

UPGRADE = (
    "proxy_http_version 1.1",
    "proxy_set_header Upgrade $http_upgrade",
    "proxy_set_header Connection upgrade",
)


def check(url: str, path: Path) -> None:
    check_transports(Target.find(url), plan_trials(load_scenario(str(path)), 1), f"TARGET={url}")


def refusal(behaviour: Behaviour, path: Path) -> str:
    with raw_server(behaviour) as (url, _), pytest.raises(UserError) as caught:
        check(url, path)
    return str(caught.value)


def test_a_target_that_keeps_the_contract_is_told_nothing_and_keeps_nothing(tmp_path: Path) -> None:
    with running_server(tmp_path) as url:
        check(url, scenario(tmp_path, f"{STREAMS}, {ECHOES}"))
        path = scenario(tmp_path, '"short_poll", "long_poll"')
        text = re.sub(r"poll_interval_s = .*", "poll_interval_s = 60.0", path.read_text())
        path.write_text(text + "cursor = false\nkeep_alive = false\n")
        before_s = time.monotonic()
        check(url, path)
        assert time.monotonic() - before_s < target_check.PATIENCE_S, "nobody waits for a poll that is due in a minute"


@pytest.mark.parametrize(
    ("transport", "behaviour", "said"),
    [
        (
            "websocket",
            Behaviour(replaced={"/ws": Answer(400, b"upgrade?")}),
            "WebSocket, tried before the first trial: GET /ws answered 400 (expected 101 Switching Protocols): a "
            "proxy in between may not pass on the Upgrade, or the path does not exist: 'upgrade?'",
        ),
        (
            "websocket",
            Behaviour(handshake_fields=("Sec-WebSocket-Protocol: chat",)),
            "GET /ws answered 101 with Sec-WebSocket-Protocol, which was not requested: 'chat'",
        ),
        (
            "websocket",
            Behaviour(frame_start=0x82),
            "GET /ws delivered a binary frame (expected text frames",
        ),
        (
            "websocket",
            Behaviour(encode=lambda value: json.dumps([value, value]).encode()),
            'GET /ws delivered a frame that holds more than one event (expected one per frame): \'[{"seq": 1',
        ),
        ("websocket", Behaviour(closes_after_event=(1, 1011)), "GET /ws was closed by the server with code 1011"),
        (
            "sse",
            Behaviour(replaced={"/sse": Answer(302, headers=("Location: /login",))}),
            "GET /sse answered 302 (expected 200 with text/event-stream); redirects are not followed: '/login'",
        ),
        (
            "sse",
            Behaviour(replaced={"/sse": Answer(200, b"<html>", "text/html")}),
            "SSE, tried before the first trial: GET /sse answered 200, 'text/html' (expected text/event-stream)",
        ),
        (
            "long_poll",
            Behaviour(replaced={"/poll/long": Answer(502, b"<h1>Bad Gateway</h1>")}),
            "GET /poll/long answered 502 (expected 200 or 204): '<h1>Bad Gateway</h1>'",
        ),
        (
            "short_poll",
            Behaviour(replaced={"/poll/short": Answer(200, b"[]")}),
            "GET /poll/short answered 200, 'application/json' (expected JSON",
        ),
        (
            "echo_post",
            Behaviour(replaced={"/echo": Answer(405)}),
            "POST /echo answered 405 (expected 200)",
        ),
    ],
)
def test_what_is_wrong_with_a_transport_is_said(
    transport: str, behaviour: Behaviour, said: str, tmp_path: Path
) -> None:
    assert said in refusal(behaviour, scenario(tmp_path, f'"{transport}"'))


@pytest.mark.parametrize(
    ("transport", "said"),
    [
        ("websocket", "answered 101 without permessage-deflate, which was offered"),
        ("sse", "no answer was compressed"),
        ("long_poll", "no answer was compressed"),
        ("short_poll", "no answer was compressed"),
    ],
)
def test_compression_that_a_target_does_not_do_is_no_factor(transport: str, said: str, tmp_path: Path) -> None:
    path = scenario(tmp_path, f'"{transport}"')
    path.write_text(path.read_text() + 'compression = "deflate"\n')
    assert said in refusal(Behaviour(), path)


@pytest.mark.parametrize(
    ("transport", "behaviour"),
    [
        ("sse", Behaviour(between_events="event: ping\n")),
        ("short_poll", Behaviour(replaced={"/poll/short": Answer(204)})),
    ],
)
def test_events_that_do_not_come_are_said(
    transport: str, behaviour: Behaviour, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(target_check, "PATIENCE_S", 0.3)
    said = refusal(behaviour, scenario(tmp_path, f'"{transport}"'))
    assert "tried before the first trial: only 0 of 2 events arrived within 0.3 s (expected 2 events at once)" in said


def test_a_websocket_behind_an_nginx_that_passes_no_upgrade(tmp_path: Path) -> None:
    path = scenario(tmp_path, '"websocket"')
    with running_server(tmp_path) as server, nginx_before(server, tmp_path) as url:
        said = refused("loadtests", "run", path, "--results", tmp_path / "results", "--target", url)
    assert f"TARGET={url}: WebSocket, tried before the first trial: GET /ws answered 4" in said
    assert "(expected 101 Switching Protocols): a proxy in between may not pass on the Upgrade" in said
    assert not list((tmp_path / "results").glob("*")), "nothing was begun"


def test_a_websocket_behind_an_nginx_that_passes_it_is_measured(tmp_path: Path) -> None:
    path = scenario(tmp_path, '"websocket"')
    with running_server(tmp_path) as server, nginx_before(server, tmp_path, *UPGRADE) as url:
        ran = in_process("loadtests", "run", path, "--results", tmp_path / "results", "--target", url)
        assert ran.returncode == 0, ran.stderr
    [trial] = (tmp_path / "results" / "latest" / "trials").glob("*/trial.json")
    assert json.loads(trial.read_text())["problems"] == []


def test_a_stream_that_a_proxy_holds_back_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(target_check, "PATIENCE_S", 1.0)
    with raw_server() as (server, _), nginx_before(server, tmp_path) as url, pytest.raises(UserError) as caught:
        check(url, scenario(tmp_path, '"sse"'))
    assert (
        "no answer arrived within 1 s (expected 2 events at once): a proxy in between may be buffering answers"
        in str(caught.value)
    )


def test_what_goes_wrong_later_is_in_the_trials_record(tmp_path: Path) -> None:
    # The two events of the trial before the trials pass; the fifth of the stream does not.
    with raw_server(Behaviour(closes_after_event=(5, 1011))) as (url, _):
        path = scenario(tmp_path, '"websocket"')
        ran = in_process("loadtests", "run", path, "--results", tmp_path / "results", "--target", url)
        assert ran.returncode == 0, ran.stderr
    [trial] = (tmp_path / "results" / "latest" / "trials").glob("*/trial.json")
    assert json.loads(trial.read_text())["problems"] == ["GET /ws was closed by the server with code 1011"]
