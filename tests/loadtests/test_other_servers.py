"""Clients and servers in another hand, each of which does within the standards what ours do not.

Real sockets and the real driver over every transport that a behaviour concerns; and trials with `--target`, by the
commands that a person uses.
"""

from __future__ import annotations

import json
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gevent
import numpy as np
import pytest

from contract.records import Outcome, RequestKind, Requests, finished_trial_folders
from contract.transports import TRANSPORTS
from loadtests.clients.base import RETRY_DELAY_NS, ClientSetup
from loadtests.clients.recorder import Recorder
from loadtests.load.socket_driver import Driver
from loadtests.plan.population import new_client
from tests import runs
from tests.loadtests.raw_server import Answer, Behaviour, raw_server
from tests.loadtests.test_transport_contract import CLIENTS, EVENTS, OFFSETS_NS, PARAMETERS, PAYLOADS, Exchange
from tests.running import PATIENCE_S

pytestmark = pytest.mark.takes_s(60, waits=True)

Point = dict[str, Any]
FAILED = (Outcome.BAD_STATUS, Outcome.LOST, Outcome.TIMEOUT, Outcome.GARBLED)
OVER_HTTP = '"sse", "long_poll", "short_poll", "echo_post"'
NOT_OURS = ": still here\n\nevent: ping\ndata: 2026-11-28 14:00\n\nevent: ping\n\n"

BEHAVIOURS = {
    "lf": Behaviour(),
    "crlf_and_pings": Behaviour(line_end="\r\n", between_events=NOT_OURS, framing="chunked"),
    "cr_and_byte_order_mark": Behaviour(line_end="\r", stream_start="\ufeffretry: 50\n\n", between_events=NOT_OURS),
    "chunked": Behaviour(framing="chunked"),
    "connection_close": Behaviour(closes_after_answer=True),
    "without_a_length": Behaviour(framing="close"),
    "http_1_0": Behaviour(version="1.0"),
    "http_1_0_without_a_length": Behaviour(version="1.0", framing="close"),
    "informational": Behaviour(informational=(100, 103)),
    "hangs_up_after_answers": Behaviour(hangs_up_after_answers=2),
    "hangs_up_when_idle": Behaviour(hangs_up_idle_s=0.02),
}
CONCERNED = {
    "lf": ("websocket", "sse", "long_poll", "short_poll", "echo_post", "echo_post_new"),
    "crlf_and_pings": ("sse",),
    "cr_and_byte_order_mark": ("sse",),
    "informational": ("sse", "long_poll", "short_poll", "echo_post", "echo_post_new"),
    # A POST on a connection that dies is not sent again.
    "hangs_up_after_answers": ("long_poll", "short_poll", "echo_post_new"),
    "hangs_up_when_idle": ("sse", "long_poll", "short_poll", "echo_post_new"),
}
CASES = [
    (name, transport)
    for name in BEHAVIOURS
    for transport in CONCERNED.get(name, ("sse", "long_poll", "short_poll", "echo_post", "echo_post_new"))
]


def requests_of(exchange: Exchange) -> Requests:
    return Requests.from_rows(exchange.recorder.requests)


@pytest.mark.parametrize(("name", "transport"), CASES)
def test_every_event_once_in_order_and_no_error(name: str, transport: str) -> None:
    with raw_server(BEHAVIOURS[name]) as (url, _):
        exchange = Exchange(TRANSPORTS[transport], url)
        exchange.stream()
        exchange.settle()
        exchange.driver.finish()
        exchange.control.close()
    for client in range(CLIENTS):
        assert exchange.seqs(client) == list(range(1, EVENTS + 1))
    assert exchange.deliveries.payload_ok.all()
    assert not list(exchange.recorder.problems)
    assert not np.isin(requests_of(exchange).outcome, FAILED).any()


def test_a_poll_that_meets_a_hang_up_is_a_reconnect_of_its_own() -> None:
    with raw_server(BEHAVIOURS["hangs_up_after_answers"]) as (url, server):
        exchange = Exchange(TRANSPORTS["long_poll"], url)
        exchange.stream()
        exchange.settle()
        exchange.driver.finish()
        exchange.control.close()
        requests = requests_of(exchange)
        answered = np.isin(requests.outcome, (Outcome.ANSWERED, Outcome.EMPTY)) & (requests.kind == RequestKind.POLL)
        connects = int((requests.kind == RequestKind.CONNECT).sum())
        # Two answers each, and none of the requests that died is a request more.
        assert connects >= answered.sum() / 2
        assert server.requests["/poll/long"] <= len(requests) - connects


@pytest.mark.skipif(
    sys.platform != "linux", reason="where its queue is full, Linux lets a connect hang; others refuse it"
)
@pytest.mark.parametrize("transport", ["sse", "long_poll", "short_poll", "websocket", "echo_post"])
def test_a_connect_that_hangs_is_tried_again_until_it_is_accepted(
    transport: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loadtests.clients.base.ANSWER_TIMEOUT_NS", 50_000_000)
    recorder = Recorder()

    def connects() -> list[int]:
        requests = Requests.from_rows(recorder.requests)
        return [int(outcome) for outcome in requests.outcome[requests.kind == RequestKind.CONNECT]]

    with socket.socket() as listener, socket.socket() as queued:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        queued.connect(listener.getsockname())
        driver = Driver(listener.getsockname(), recorder)
        setup = ClientSetup(0, "127.0.0.1", PARAMETERS, PAYLOADS, OFFSETS_NS)
        connection = driver.add(new_client(transport, setup, recorder))
        wait_until(lambda: len(connects()) >= 2)
        assert set(connects()) == {Outcome.TIMEOUT}
        assert not connection.client.ready
        with listener.accept()[0]:
            wait_until(lambda: Outcome.ANSWERED in connects())
        driver.finish()
    assert list(recorder.problems) == ["a connection was not accepted within 0.05 s"]


def wait_until(condition: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline_s
        gevent.sleep(0.01)


def measured(folder: Path, transports: str, behaviour: Behaviour) -> tuple[dict[str, Point], dict[str, Path]]:
    """Points and trial folders of a run against a server that behaves so, by transport."""
    with raw_server(behaviour) as (url, _):
        runs.measured(runs.scenario(folder, transports), "--results", folder / "results", "--target", url)
    run = folder / "results" / "latest"
    assert runs.in_process("analysis", "summary", run).returncode == 0
    points = json.loads((run / "summary.json").read_text())["points"]
    folders = {trial.name.partition("-")[2]: trial for trial in finished_trial_folders(run)}
    return {point["transport"]: point for point in points}, folders


def check_all_delivered(points: dict[str, Point]) -> None:
    for point in points.values():
        ledger = point["ledger"]
        assert ledger["delivered"] == ledger["expected"] > 0
        assert ledger["lost"] == ledger["duplicate"] == ledger["reordered"] == ledger["corrupt"] == 0
        assert point["requests"]["errors"] == 0


def test_a_run_against_a_server_that_closes_after_each_answer_pauses_nowhere(tmp_path: Path) -> None:
    behaviour = Behaviour(
        closes_after_answer=True,
        framing="chunked",
        informational=(103,),
        line_end="\r\n",
        stream_start="\ufeff",
        between_events=NOT_OURS,
    )
    points, folders = measured(tmp_path, OVER_HTTP, behaviour)
    assert len(points) == 4
    check_all_delivered(points)
    assert points["long_poll"]["requests"]["reconnects"] > 0
    requests = Requests.load(folders["long_poll"])
    pauses_ns = []
    for client in np.unique(requests.client):
        own = requests.where(requests.client == client)
        polls, connects = (own.where(own.kind == kind) for kind in (RequestKind.POLL, RequestKind.CONNECT))
        ended_ns = polls.end_ns[polls.outcome == Outcome.ANSWERED]
        following = np.searchsorted(connects.start_ns, ended_ns)
        known = following < len(connects)
        pauses_ns += (connects.start_ns[following[known]] - ended_ns[known]).tolist()
    assert len(pauses_ns) > 10
    assert np.median(pauses_ns) < RETRY_DELAY_NS / 2


def test_a_run_against_a_server_of_http_1_0(tmp_path: Path) -> None:
    points, _ = measured(tmp_path, '"sse", "short_poll"', Behaviour(version="1.0", framing="close"))
    assert len(points) == 2
    check_all_delivered(points)


def test_a_trials_record_says_why_its_answers_were_refused(tmp_path: Path) -> None:
    moved = Answer(302, headers=("Location: https://elsewhere/login",))
    # Not yet when the target is tried before the first trial.
    behaviour = Behaviour(replaced={"/poll/short": moved}, replaced_after=8)
    _, folders = measured(tmp_path, '"short_poll"', behaviour)
    said = json.loads((folders["short_poll"] / "trial.json").read_text())["problems"]
    assert said == [
        "GET /poll/short answered 302 (expected 200 or 204); redirects are not followed: 'https://elsewhere/login'"
    ]


def test_a_load_that_gets_no_stream_says_why() -> None:
    page = Answer(200, b"<!doctype html><title>Sign in</title>", "text/html")
    with raw_server(Behaviour(replaced={"/sse": page})) as (url, _):
        exchange = Exchange(TRANSPORTS["sse"], url)
        exchange.wait(lambda: len(list(exchange.recorder.problems)) > 0)
        exchange.driver.finish()
        exchange.control.close()
    assert list(exchange.recorder.problems) == [
        "GET /sse answered 200, 'text/html' (expected text/event-stream): '<!doctype html><title>Sign in</title>'"
    ]
