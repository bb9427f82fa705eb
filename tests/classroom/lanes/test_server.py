"""The lanes end to end: real sockets against the accounts that the server keeps of them, exactly."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from classroom.lanes.definitions import TRANSPORTS
from tests.classroom.conftest import RunningClassroom
from tests.classroom.scripted import CountingSocket, Scripted, scripted_client

pytestmark = pytest.mark.takes_s(30, waits=True)

EVENTS = 60
RUN: dict[str, Any] = {"rate_per_s": 20, "arrival": "periodic", "duration_s": 3, "payload_bytes": 50}
_BETWEEN_POLLS_S = 0.02
"""Without any, a client that polls over no distance would soon be over its rate."""
SEQS = list(range(1, EVENTS + 1))


def run_with(classroom: RunningClassroom, client: Scripted, **settings: Any) -> dict[str, Any]:
    run = classroom.start_run(**RUN | settings)
    client.hear("run", run=run["id"])
    return run


def poll_until_all(client: Scripted, transport: str, **query: object) -> tuple[CountingSocket, list[list[int]]]:
    """Poll on one connection, each answer's cursor the next one's; the seqs of each answer."""
    connection, after = client.connect(transport), 0
    answers: list[list[int]] = []
    while after < EVENTS:
        time.sleep(_BETWEEN_POLLS_S)
        path = client.path(transport, n=len(answers) + 1, after=after, **query)
        client.ask(connection, transport, path)
        reply = connection.read_reply()
        events = reply.json()["events"] if reply.status == 200 else []
        answers.append([event["seq"] for event in events])
        after = events[-1]["seq"] if events else after
    return connection, answers


def test_every_byte_on_a_clients_sockets_is_in_its_account(classroom: RunningClassroom) -> None:
    with scripted_client(classroom) as client:
        run = run_with(classroom, client, one_way_delay_ms=10)
        websocket = client.upgrade()
        sse = client.connect("sse")
        client.ask(sse, "sse", client.path("sse"))
        assert websocket.read_head().status == 101
        assert sse.read_head().status == 200
        long_poll, answers = poll_until_all(client, "long_poll", hold_ms=1000)
        short_poll, short_answers = poll_until_all(client, "short_poll")
        frames = [json.loads(websocket.read_frame()[1])["seq"] for _ in SEQS]
        stream = sse.read_stream(b"id: 60\n")
        ticks = [message for message in client.hear_all("ended", run=run["id"]) if message["type"] == "tick"]

        record = classroom.record()
        lanes = record["clients"][str(client.number)]
        sockets = dict(zip(TRANSPORTS, (websocket, sse, long_poll, short_poll), strict=True))
        for transport, connection in sockets.items():
            account = lanes[transport]
            counted = (account["up_bytes"], account["down_bytes"])
            assert counted == (connection.sent_bytes, connection.received_bytes), transport
            assert account["delivered"] == SEQS
            last = ticks[-1]["lanes"][transport]
            assert {name: last[name] for name in ("up_bytes", "down_bytes", "payload_bytes")}.items() <= account.items()
            told = [row for tick in ticks for row in tick["lanes"][transport]["requests"]]
            assert [row for row in told if row[2] is not None] == account["requests_log"]
            assert [row for tick in ticks for row in tick["lanes"][transport]["written"]] == account["written"]

    assert frames == SEQS
    assert stream.count(b"\ndata: ") == EVENTS
    assert [row[4] for row in lanes["long_poll"]["requests_log"]] == answers
    assert [row[0] for row in lanes["long_poll"]["requests_log"]] == list(range(1, len(answers) + 1))
    assert [row[4] for row in lanes["short_poll"]["requests_log"]] == short_answers
    published = [row for tick in ticks for row in tick["published"]]
    assert published == record["published"]
    assert [row[0] for row in published] == SEQS
    event_bytes = sum(row[3] for row in published)
    assert all(account["payload_bytes"] == event_bytes for account in lanes.values())
    assert all(account["requests"] == 1 for account in (lanes["websocket"], lanes["sse"]))
    assert record["unattributed"] == {name: {"up_bytes": 0, "down_bytes": 0} for name in TRANSPORTS}


def test_two_clients_have_accounts_of_their_own(classroom: RunningClassroom) -> None:
    with scripted_client(classroom) as one, scripted_client(classroom) as other:
        run = run_with(classroom, one, one_way_delay_ms=0)
        polling, _ = poll_until_all(one, "short_poll")
        stranger = other.get("short_poll", other.path("short_poll", client=1))
        pushed = other.upgrade()
        assert pushed.read_head().status == 101
        for _ in SEQS:
            pushed.read_frame()
        other.hear("ended", run=run["id"])
        record = classroom.record()
        lanes, others = (record["clients"][str(client.number)] for client in (one, other))
    assert (lanes["short_poll"]["up_bytes"], lanes["short_poll"]["down_bytes"]) == (
        polling.sent_bytes,
        polling.received_bytes,
    )
    assert others["short_poll"]["up_bytes"] == 0
    assert others["websocket"]["down_bytes"] == pushed.received_bytes
    assert lanes["websocket"]["delivered"] == []
    assert stranger.status == 403
    refused = other.opened[0]
    assert record["unattributed"]["short_poll"] == {
        "up_bytes": refused.sent_bytes,
        "down_bytes": refused.received_bytes,
    }


def test_an_open_channel_gets_the_next_run_from_its_first_event(classroom: RunningClassroom) -> None:
    with scripted_client(classroom) as client:
        run_with(classroom, client)
        channel = client.upgrade()
        assert channel.read_head().status == 101
        channel.read_frame()
        run = run_with(classroom, client, one_way_delay_ms=0)
        while json.loads(channel.read_frame()[1])["seq"] != EVENTS:
            pass
        client.hear("ended", run=run["id"])
        account = classroom.record()["clients"][str(client.number)]["websocket"]
        assert account["delivered"] == SEQS
        assert account["requests"] == 0
        assert account["up_bytes"] == 0


def test_the_delay_is_the_relays_and_changes_between_runs(classroom: RunningClassroom) -> None:
    def fastest_ms(one_way_delay_ms: float) -> float:
        with scripted_client(classroom) as client:
            run_with(classroom, client, one_way_delay_ms=one_way_delay_ms)
            connection, rounds = client.connect("short_poll"), []
            for n in range(1, 6):
                sent_ns = time.monotonic_ns()
                client.ask(connection, "short_poll", client.path("short_poll", n=n))
                connection.read_reply()
                rounds.append((time.monotonic_ns() - sent_ns) / 1e6)
            return min(rounds[1:])  # the first waits for the handshake's round trip too

    slow, fast = fastest_ms(200), fastest_ms(0)
    assert slow >= 400
    assert fast < 400


def test_polls_without_a_cursor_miss_what_comes_between_them(classroom: RunningClassroom) -> None:
    with scripted_client(classroom) as client:
        run = run_with(classroom, client, one_way_delay_ms=0, cursor=False)
        connection = client.connect("short_poll")
        seen = []
        for n in range(1, 4):
            client.hear("tick", run=run["id"])
            client.ask(connection, "short_poll", client.path("short_poll", n=n, cursor="none"))
            reply = connection.read_reply()
            seen += [event["seq"] for event in reply.json()["events"]] if reply.status == 200 else []
        client.hear("ended", run=run["id"])
        account = classroom.record()["clients"][str(client.number)]["short_poll"]
    assert account["delivered"] == sorted(set(seen))
    assert len(account["delivered"]) <= 3


def test_a_held_poll_whose_client_has_gone_is_let_go(classroom: RunningClassroom) -> None:
    with scripted_client(classroom) as client:
        run = classroom.start_run(rate_per_s=0.05, duration_s=3, one_way_delay_ms=0)
        client.hear("run", run=run["id"])
        held = client.connect("long_poll")
        client.ask(held, "long_poll", client.path("long_poll", n=1, after=1000, hold_ms=60_000))
        held.close()
        client.ask(answered := client.connect("long_poll"), "long_poll", client.path("long_poll", n=2, hold_ms=100))
        answered.read_reply()
        client.hear("ended", run=run["id"])
        log = classroom.record()["clients"][str(client.number)]["long_poll"]["requests_log"]
    assert {row[0]: row[3] for row in log} == {1: None, 2: 204}, "in whichever order the server saw them end"


def test_what_a_page_sends_on_its_channel_is_ignored(classroom: RunningClassroom) -> None:
    with scripted_client(classroom) as client:
        run_with(classroom, client, one_way_delay_ms=0)
        channel = client.upgrade()
        assert channel.read_head().status == 101
        channel.send(bytes([0x82, 0x84, 0, 0, 0, 0]) + b"junk")
        assert json.loads(channel.read_frame()[1])["seq"] == 1
