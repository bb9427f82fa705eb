"""What a page hears, and what happens to one that sends what it must not."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from classroom.lanes.definitions import LANES, MAX_CLIENT, TRANSPORTS
from classroom.limits import MAX_MESSAGE_BYTES
from tests.classroom.conftest import PATIENCE_S, RunningClassroom
from tests.classroom.scripted import scripted_client

pytestmark = pytest.mark.takes_s(35, waits=True)

QUICK: dict[str, Any] = {
    "rate_per_s": 10,
    "arrival": "periodic",
    "duration_s": 3,
    "poll_interval_s": 0.1,
    "one_way_delay_ms": 0,
}


@contextmanager
def open_socket(classroom: RunningClassroom, path: str) -> Iterator[ClientConnection]:
    address = f"{classroom.websocket_url}{path}"
    with connect(address, origin=Origin(classroom.url), max_queue=None) as opened:
        yield opened


def closing(opened: ClientConnection) -> tuple[int | None, str]:
    """Close code and reason, once all that came before is read."""
    with pytest.raises(ConnectionClosed) as closed:
        while True:
            opened.recv(timeout=PATIENCE_S)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code, closed.value.rcvd.reason


def test_hello_says_where_everything_is(classroom: RunningClassroom) -> None:
    with scripted_client(classroom) as client:
        hello = client.hello
    assert hello["type"] == "hello"
    assert 0 <= hello["client"] < MAX_CLIENT
    assert (hello["teacher"], hello["mode"]) == (True, "solo")
    assert [lane["transport"] for lane in hello["lanes"]] == list(TRANSPORTS)
    assert [lane["port"] for lane in hello["lanes"]] == list(classroom.lane_ports)
    for lane, shown in zip(LANES, hello["lanes"], strict=True):
        assert (shown["label"], shown["path"], shown["colour"], shown["marker"], shown["dash"]) == (
            lane.label, lane.path, lane.colour, lane.marker, list(lane.dash),
        )  # fmt: skip
    assert hello["lesson_port"] == classroom.lesson_port


def test_a_run_is_announced_before_it_begins_then_told_and_ended(classroom: RunningClassroom) -> None:
    with scripted_client(classroom) as client:
        asked_ns = time.monotonic_ns()
        run = classroom.start_run(**QUICK | {"one_way_delay_ms": 20})
        announced = client.hear("run", run=run["id"])["run"]
        assert announced == run
        assert run["t0_ns"] - asked_ns >= 300_000_000
        assert run["end_ns"] - run["t0_ns"] == 3_000_000_000
        assert run["drain_ns"] == 1_100_000_000
        heard = client.hear_all("ended", run=run["id"])
        assert time.monotonic_ns() >= run["end_ns"] + run["drain_ns"] - 50_000_000
    ticks = [message for message in heard if message["type"] == "tick"]
    assert all(message["run"] == run["id"] for message in ticks)
    assert [row[0] for tick in ticks for row in tick["published"]] == list(range(1, 31))
    for _, due_ns, published_ns, event_bytes in (row for tick in ticks for row in tick["published"]):
        assert run["t0_ns"] <= due_ns <= published_ns
        assert due_ns < run["end_ns"]
        assert event_bytes > 100
    times = [tick["now_ns"] for tick in ticks]
    assert times == sorted(times)
    assert len(ticks) > 3
    assert all(set(tick["lanes"]) == set(TRANSPORTS) for tick in ticks)


def test_runs_follow_each_other_while_someone_watches(classroom: RunningClassroom) -> None:
    with scripted_client(classroom) as client:
        first = classroom.start_run(auto=True, **QUICK)
        client.hear("ended", run=first["id"])
        following = client.hear("run")["run"]
        assert following["id"] == first["id"] + 1
        assert following["settings"] == first["settings"]
        assert following["seed"] != first["seed"]
        assert following["auto"] is True
    classroom.start_run(auto=True, **QUICK)
    left = classroom.record_when_ended()["run"]
    with scripted_client(classroom) as client:
        assert client.hear("run")["run"]["id"] == left["id"] + 1


def test_a_page_can_have_the_next_run_wait(classroom: RunningClassroom) -> None:
    with scripted_client(classroom) as client:
        run = classroom.start_run(auto=True, **QUICK)
        assert classroom.request("POST", "/api/auto", json={"auto": False}).json() == {"auto": False}
        client.hear("ended", run=run["id"])
        with pytest.raises(TimeoutError):
            client.live.recv(timeout=3)  # longer than the pause between two runs
        classroom.request("POST", "/api/auto", json={"auto": True})
        assert client.hear("run")["run"]["id"] == run["id"] + 1
        classroom.request("POST", "/api/auto", json={"auto": False})
    # Nobody is in control any more once the server has seen that client leave, which may be after the next has come.
    deadline = time.monotonic() + PATIENCE_S
    while True:
        with scripted_client(classroom) as client:
            if client.hello["auto"]:
                break
        assert time.monotonic() < deadline, "the runs are still held by a client that has left"


def test_stop_ends_a_run_at_once(classroom: RunningClassroom) -> None:
    with scripted_client(classroom) as client:
        run = classroom.start_run(rate_per_s=50, duration_s=300)
        client.hear("run", run=run["id"])
        assert classroom.request("POST", "/api/stop").status_code == 200
        client.hear("ended", run=run["id"])
        record = classroom.record()
        assert record["ended"]
        assert classroom.record()["published"] == record["published"]


def test_a_new_run_replaces_the_one_that_is_on(classroom: RunningClassroom) -> None:
    with scripted_client(classroom) as client:
        old = classroom.start_run(duration_s=300, rate_per_s=50)
        client.hear("run", run=old["id"])
        new = classroom.start_run(**QUICK)
        client.hear("ended", run=old["id"])
        assert client.hear("run")["run"]["id"] == new["id"]
        tick = client.hear("tick")
        assert (tick["run"], tick["published"]) == (new["id"], [])
        client.hear("ended", run=new["id"])
        assert len(classroom.record()["published"]) == 30


def test_who_comes_in_the_middle_of_a_run_hears_all_of_it(classroom: RunningClassroom) -> None:
    with scripted_client(classroom) as early:
        run = classroom.start_run(**QUICK)
        while not early.hear("tick", run=run["id"])["published"]:
            pass
        with scripted_client(classroom) as late:
            assert late.hello["run"]["id"] == run["id"]
            heard = late.hear_all("ended", run=run["id"])
    rows = [row[0] for message in heard if message["type"] == "tick" for row in message["published"]]
    assert rows == list(range(1, 31))


def test_a_client_that_comes_again_takes_over(classroom: RunningClassroom) -> None:
    with scripted_client(classroom) as client:
        with scripted_client(classroom, f"?client={client.number}") as again:
            assert again.number == client.number
            code, reason = closing(client.live)
            assert code == 1008
            assert "another tab" in reason
        with scripted_client(classroom, f"?client={client.number}") as back:
            assert back.number == client.number


@pytest.mark.parametrize("number", [1, MAX_CLIENT - 1])
def test_a_number_that_nobody_has(classroom: RunningClassroom, number: int) -> None:
    with open_socket(classroom, f"/api/live?client={number}") as opened:
        code, reason = closing(opened)
    assert code == 4403
    assert "no such client" in reason


@pytest.mark.parametrize("query", ["client=x", "client=-1", f"client={MAX_CLIENT}", "client=1.5", f"key={'k' * 101}"])
def test_a_query_that_is_none_is_refused_at_the_door(classroom: RunningClassroom, query: str) -> None:
    with pytest.raises(InvalidStatus) as refused, open_socket(classroom, f"/api/live?{query}"):
        pass
    assert refused.value.response.status_code == 422
    assert b"query." in refused.value.response.body


BAD_MESSAGES: list[tuple[str | bytes, str]] = [
    ("{", "must be JSON"),
    ("[]", "JSON object"),
    ("7", "JSON object"),
    ('{"type": "nonsense"}', "no message has the type 'nonsense'"),
    ('{"type": ["report"]}', "no message has the type"),
    ("{}", "no message has the type None"),
    (b"\x00\x01", "text messages"),
    ("[" * 50_000, "must be JSON"),
]


@pytest.mark.parametrize(("message", "said"), BAD_MESSAGES, ids=lambda value: str(value)[:20])
def test_a_page_that_sends_what_it_must_not_is_told_why_and_the_others_go_on(
    classroom: RunningClassroom, message: str | bytes, said: str
) -> None:
    with scripted_client(classroom) as good, scripted_client(classroom) as bad:
        bad.live.send(message)
        code, reason = closing(bad.live)
        assert (code, said in reason) == (1008, True), reason
        run = classroom.start_run(**QUICK)
        good.hear("run", run=run["id"])


@pytest.mark.parametrize("path", ["/api/live", "/api/clock"])
def test_oversize_messages_close_the_socket(classroom: RunningClassroom, path: str) -> None:
    with open_socket(classroom, path) as opened:
        opened.send("x" * (MAX_MESSAGE_BYTES + 1))
        assert closing(opened)[0] == 1009
    with scripted_client(classroom) as next_one:
        assert next_one.hello["type"] == "hello"


@pytest.mark.parametrize("path", ["/api/live", "/api/clock"])
@pytest.mark.parametrize("origin", ["http://evil.example", "null", None])
def test_foreign_pages_hear_nothing(classroom: RunningClassroom, path: str, origin: str | None) -> None:
    foreign = None if origin is None else Origin(origin)
    with pytest.raises(InvalidStatus) as refused, connect(f"{classroom.websocket_url}{path}", origin=foreign):
        pass
    assert refused.value.response.status_code == 403
    assert classroom.url.encode() in refused.value.response.body


def test_the_clock_answers_with_the_time_between_asking_and_hearing(classroom: RunningClassroom) -> None:
    with open_socket(classroom, "/api/clock") as clock:
        for text in ("1", "", "größer"):
            before_ns = time.monotonic_ns()
            clock.send(text)
            answer = json.loads(clock.recv(timeout=PATIENCE_S))
            assert answer["echo"] == text
            assert before_ns <= answer["now_ns"] <= time.monotonic_ns()


@pytest.mark.parametrize(("sent", "said"), [(["x" * 65], "at most 64"), (["x"] * 2000, "messages a second")])
def test_the_clock_has_limits(classroom: RunningClassroom, sent: list[str], said: str) -> None:
    with open_socket(classroom, "/api/clock") as clock:
        try:
            for text in sent:
                clock.send(text)
        except ConnectionClosed:
            pass  # closed while there was more to send
        code, reason = closing(clock)
    assert (code, said in reason) == (1008, True)
