"""The class over its real sockets: who may join, who may not, and what a device that lies, floods or leaves can do."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any

import psutil
import pytest
import websockets.sync.client as websockets
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin

from classroom.lanes.definitions import LANES, TRANSPORTS, wire_number
from classroom.limits import MAX_CLIENTS, MAX_MESSAGE_BYTES
from classroom.rehearsal import Rehearsed, rehearse
from classroom.run_settings import RunSettings
from tests import plain_http
from tests.classroom.conftest import PATIENCE_S, RunningClassroom, StartClassroom, running_classroom
from tests.classroom.joining.devices import closed, heard, join, joined, live

pytestmark = pytest.mark.takes_s(25, waits=True)

POLICY_VIOLATION, TOO_BIG, UNKNOWN_CLIENT = 1008, 1009, 4403


@pytest.fixture(scope="module")
def open_class() -> Iterator[RunningClassroom]:
    """A classroom that devices can join. Tests use few of its places."""
    with running_classroom("--host", "0.0.0.0") as opened:
        yield opened


def test_the_welcome_says_how_to_join(open_class: RunningClassroom) -> None:
    assert f":{open_class.page_port}/join" in open_class.welcome
    assert open_class.join_code
    assert open_class.teacher_key
    assert f"http://127.0.0.1:{open_class.page_port}/?key=" in open_class.welcome


def test_devices_get_numbers_names_and_transports_in_turn(open_class: RunningClassroom) -> None:
    devices = [joined(open_class) for _ in range(4)]
    assert len({device["client"] for device in devices}) == 4
    assert len({device["name"] for device in devices}) == 4
    assert {name for device in devices for name in device["transports"]} == set(TRANSPORTS)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"json": {"code": "WRONG1"}}, 403),
        ({"json": {"code": ""}}, 403),
        ({"json": {}}, 422),
        ({"json": {"code": 7}}, 422),
        ({"json": {"code": None}}, 422),
        ({"json": {"code": "A" * 41}}, 422),
        ({"json": {"code": "A", "client": "1"}}, 422),
        ({"json": {"code": "A", "device": 1}}, 422),
        ({"json": ["A"]}, 422),
        ({"content": b"{not json", "headers": {"Content-Type": "application/json"}}, 422),
        ({"content": b"\xff\xfe", "headers": {"Content-Type": "application/json"}}, 422),
        ({"json": {"code": "A" * 100_000}}, 413),
    ],
    ids=lambda value: str(value)[:40],
)
def test_who_cannot_join_is_told_why(open_class: RunningClassroom, body: dict[str, Any], status: int) -> None:
    response = join(open_class, **dict(body))
    assert response.status_code == status, response.text
    told = response.text if status == 413 else response.json()["detail"]
    assert 10 < len(told) < 500
    assert joined(open_class)


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1", "https://127.0.0.1"])
def test_a_foreign_page_cannot_join_or_listen(open_class: RunningClassroom, origin: str) -> None:
    assert join(open_class, json={"code": open_class.join_code}, headers={"Origin": origin}).status_code == 403
    client = joined(open_class)["client"]
    for path in (f"/api/live?client={client}", "/api/clock"):
        with pytest.raises(InvalidStatus) as caught:
            websockets.connect(f"{open_class.websocket_url}{path}", origin=Origin(origin))
        assert caught.value.response.status_code == 403


def test_a_foreign_name_does_not_lead_here(open_class: RunningClassroom) -> None:
    host = f"evil.example:{open_class.page_port}"
    response = join(open_class, json={"code": open_class.join_code}, headers={"Host": host, "Origin": f"http://{host}"})
    assert response.status_code == 403
    assert plain_http.get(f"{open_class.url}/join", headers={"Host": host}).status_code == 403


def test_alone_nobody_joins(classroom: RunningClassroom) -> None:
    response = plain_http.post(f"{classroom.url}/api/join", json={"code": "ABCDEF"}, headers={"Origin": classroom.url})
    assert (response.status_code, "own machine" in response.json()["detail"]) == (404, True)
    assert plain_http.get(f"{classroom.url}/join").status_code == 404
    assert classroom.request("GET", "/api/class").status_code == 404


TEACHERS_ROUTES = [
    ("GET", "/api/class", None),
    ("POST", "/api/class", {"assign": "all"}),
    ("POST", "/api/run", {}),
    ("POST", "/api/stop", {}),
    ("GET", "/api/record", None),
]


@pytest.mark.parametrize(("method", "path", "body"), TEACHERS_ROUTES, ids=str)
def test_what_is_the_teachers_alone_needs_the_key(
    open_class: RunningClassroom, method: str, path: str, body: Any
) -> None:
    client = joined(open_class)["client"]
    for key in (None, "", "wrong", str(client), open_class.join_code, "é".encode()):
        headers: dict[str, Any] = {"Origin": open_class.url} | ({} if key is None else {"X-Teacher-Key": key})
        response = plain_http.request(method, f"{open_class.url}{path}?client={client}", json=body, headers=headers)
        assert response.status_code == 403, (key, response.text)
        assert "teacher" in response.json()["detail"]


def test_a_device_is_no_teacher_and_the_key_makes_one(open_class: RunningClassroom) -> None:
    with live(open_class, f"client={joined(open_class)['client']}") as socket:
        hello = heard(socket, "hello")
        assert (hello["teacher"], hello["mode"], len(hello["transports"])) == (False, "class", 1)
    with live(open_class, f"key={open_class.teacher_key}") as socket:
        assert heard(socket, "hello")["teacher"] is True
        assert heard(socket, "class")["devices"] >= 0


@pytest.mark.parametrize("query", ["", "client=12345", "key=wrong", "client=12345&key=%C3%A9"])
def test_who_did_not_join_hears_nothing(open_class: RunningClassroom, query: str) -> None:
    with live(open_class, query) as socket:
        code, reason = closed(socket)
    assert code == UNKNOWN_CLIENT
    assert reason


def test_a_device_may_use_its_own_transport_only(open_class: RunningClassroom) -> None:
    devices = {device["transports"][0]: device["client"] for device in (joined(open_class) for _ in range(4))}
    polls = {lane.transport: index for index, lane in enumerate(LANES) if lane.polls}
    for mine, other in (("short_poll", "long_poll"), ("long_poll", "short_poll")):
        for lane, expected in ((mine, (200, 204)), (other, (403,))):
            index = polls[lane]
            response = plain_http.get(
                f"http://127.0.0.1:{open_class.lane_ports[index]}{LANES[index].path}",
                params={"client": wire_number(devices[mine], index), "hold_ms": 1, "n": 1},
                headers={"Origin": open_class.url},
                timeout=PATIENCE_S,
            )
            assert response.status_code in expected, (mine, lane, response.text)


def report(run: object = 1, **changed: Any) -> dict[str, Any]:
    return {"type": "report", "run": run, "uncertainty_ms": 1.0, "transports": {}} | changed


BAD_MESSAGES = [
    "no json",
    "[]",
    "7",
    "[" * 10_000,
    '{"type": "nonsense"}',
    '{"type": ["report"]}',
    json.dumps(report(transports={"websocket": [["1", 2]]})),
    json.dumps(report(transports={"websocket": [[1, 2, 3]]})),
    json.dumps(report(transports=7)),
    json.dumps(report(uncertainty_ms=-1)),
    json.dumps(report(run="1")),
    '{"type":"report","run":1,"uncertainty_ms":NaN,"transports":{}}',
    json.dumps(report(transports={"websocket": [[1, 1.5]] * 3000})),
    b"\x00\x01",
]


@pytest.mark.parametrize("message", BAD_MESSAGES, ids=lambda message: ascii(message)[:50])
def test_a_message_that_is_none_ends_its_own_channel_alone(open_class: RunningClassroom, message: str | bytes) -> None:
    mine, others = joined(open_class), joined(open_class)
    with live(open_class, f"client={others['client']}") as bystander:
        heard(bystander, "hello")
        with live(open_class, f"client={mine['client']}") as socket:
            socket.send(message)
            code, reason = closed(socket)
            assert code == POLICY_VIOLATION
            assert len(reason) > 5
        bystander.send(json.dumps(report()))
        bystander.ping().wait(PATIENCE_S)
    with live(open_class, f"client={mine['client']}") as socket:
        assert heard(socket, "hello")["client"] == mine["client"]


def test_a_huge_message_is_not_read(open_class: RunningClassroom) -> None:
    with live(open_class, f"client={joined(open_class)['client']}") as socket:
        socket.send(" " * (MAX_MESSAGE_BYTES + 1))
        assert closed(socket)[0] == TOO_BIG


def test_a_device_that_floods_is_let_go(open_class: RunningClassroom) -> None:
    with (
        live(open_class, f"client={joined(open_class)['client']}") as socket,
        pytest.raises(ConnectionClosed) as caught,
    ):
        for _ in range(500):
            socket.send(json.dumps(report()))
        while True:
            socket.recv(PATIENCE_S)
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == POLICY_VIOLATION


def test_a_full_class_says_so_and_still_lets_its_teacher_in(start_classroom: StartClassroom) -> None:
    full = start_classroom("--host", "0.0.0.0")
    for _ in range(MAX_CLIENTS):
        joined(full)
    response = join(full)
    assert (response.status_code, "full" in response.json()["detail"]) == (503, True)
    with live(full, f"key={full.teacher_key}") as socket:
        assert heard(socket, "hello")["teacher"] is True


def test_guessing_the_code_is_stopped(start_classroom: StartClassroom) -> None:
    guessed = start_classroom("--host", "0.0.0.0")
    statuses = [join(guessed, json={"code": "AAAAAA"}).status_code for _ in range(21)]
    assert statuses == [403] * 20 + [429]
    assert join(guessed).status_code == 429


def test_a_liar_and_a_leaver_change_nothing_for_the_others(start_classroom: StartClassroom) -> None:
    at = start_classroom("--host", "0.0.0.0")
    by_transport = {device["transports"][0]: device for device in (joined(at) for _ in range(4))}
    honest, liar, leaver = (by_transport[name]["client"] for name in ("short_poll", "sse", "long_poll"))
    with (
        live(at, f"key={at.teacher_key}") as teacher,
        live(at, f"client={honest}") as mine,
        live(at, f"client={liar}") as lies,
    ):
        with live(at, f"client={leaver}") as gone:
            heard(gone, "hello")
        at.request("POST", "/api/stop", json={})
        run = at.start_run(rate_per_s=20, arrival="periodic", duration_s=3, poll_interval_s=10)["id"]
        published = 0
        while published < 60:
            published += len(heard(teacher, "tick", run)["published"])
        index = TRANSPORTS.index("short_poll")
        reply = plain_http.get(
            f"http://127.0.0.1:{at.lane_ports[index]}{LANES[index].path}",
            params={"client": wire_number(honest, index), "after": 0, "n": 1},
            headers={"Origin": at.url},
            timeout=PATIENCE_S,
        ).json()
        now_ns = time.monotonic_ns()  # the server's clock too: it is this machine's
        rows = [[event["seq"], (now_ns - event["due_ns"]) / 1e6] for event in reply["events"]]
        lies.send(
            json.dumps(report(run, transports={"sse": [[seq, 0.1] for seq in range(1, 500)], "websocket": [[1, 60]]}))
        )
        mine.send(json.dumps(report(run, transports={"short_poll": rows})))
        lies.send(json.dumps(report(run, transports={"sse": [[seq, 1e9] for seq in range(1, 500)]})))
        mine.send(json.dumps(report(run - 1, transports={"short_poll": rows})))
        lies.send(json.dumps(report(run + 1, transports={"sse": [[1, 60]]})))
        deadline = time.monotonic() + PATIENCE_S
        while (seen := heard(teacher, "class", run))["refused"].get("other_run") != 1:
            assert time.monotonic() < deadline, seen
    transports = seen["transports"]
    assert transports["short_poll"]["deliveries"] == len(rows) == 60
    assert transports["short_poll"]["latency_ms"]["max"] == pytest.approx(max(ms for _, ms in rows), abs=0.01)
    assert transports["sse"]["deliveries"] == transports["websocket"]["deliveries"] == 0
    assert seen["refused"]["not_sent"] == 120
    assert seen["refused"]["unknown_event"] == 2 * 499 - 120
    assert seen["refused"]["not_assigned"] == 1
    assert seen["refused_devices"] == [by_transport["sse"]["name"]]
    assert seen["devices"] == 2


def test_what_came_while_the_network_was_faster_is_believed(open_class: RunningClassroom) -> None:
    """Also where it has become slow again before the device reports."""
    device = next(one for one in iter(lambda: joined(open_class), None) if one["transports"] == ["short_poll"])
    index = TRANSPORTS.index("short_poll")
    with (
        live(open_class, f"key={open_class.teacher_key}") as teacher,
        live(open_class, f"client={device['client']}") as mine,
    ):
        heard(mine, "hello")
        run = open_class.start_run(rate_per_s=20, arrival="periodic", duration_s=300, one_way_delay_ms=300)["id"]
        open_class.request("POST", "/api/change", json={"one_way_delay_ms": 0}).raise_for_status()
        published = 0
        while published < 5:
            published += len(heard(teacher, "tick", run)["published"])
        reply = plain_http.get(
            f"http://127.0.0.1:{open_class.lane_ports[index]}{LANES[index].path}",
            params={"client": wire_number(device["client"], index), "after": 0, "n": 1},
            headers={"Origin": open_class.url},
            timeout=PATIENCE_S,
        ).json()
        newest = reply["events"][-1]
        latency_ms = (time.monotonic_ns() - newest["due_ns"]) / 1e6
        open_class.request("POST", "/api/change", json={"one_way_delay_ms": 300}).raise_for_status()
        mine.send(json.dumps(report(run, transports={"short_poll": [[newest["seq"], latency_ms]]})))
        deadline = time.monotonic() + PATIENCE_S
        while not (seen := heard(teacher, "class", run))["transports"]["short_poll"]["deliveries"]:
            assert (time.monotonic() < deadline, seen["refused"]) == (True, {})
        open_class.request("POST", "/api/stop", json={})


def test_all_transports_for_everyone_reach_each_page(open_class: RunningClassroom) -> None:
    with live(open_class, f"client={joined(open_class)['client']}") as socket:
        heard(socket, "hello")
        for assign, count in (("all", 4), ("turns", 1)):
            answer = open_class.request("POST", "/api/class", json={"assign": assign})
            assert answer.json()["assign"] == assign
            assert len(heard(socket, "transports")["transports"]) == count
    assert open_class.request("POST", "/api/class", json={"assign": "some"}).status_code == 422


def test_the_invitation_leads_to_the_join_page(open_class: RunningClassroom) -> None:
    invitation = open_class.request("GET", "/api/class").json()
    assert invitation["link"] == f"{invitation['address']}?code={open_class.join_code}"
    assert invitation["qr_svg"].startswith("<svg")
    path = invitation["address"].split(str(open_class.page_port))[1]
    assert "Join the class" in plain_http.get(open_class.url + path).text


@pytest.mark.parametrize(("devices", "rate_per_s"), [(60, 5.0)])
def test_a_class_of_sixty(start_classroom: StartClassroom, devices: int, rate_per_s: float) -> None:
    at = start_classroom("--host", "0.0.0.0")
    settings = RunSettings(rate_per_s=rate_per_s, arrival="periodic", duration_s=4)
    found: Rehearsed = asyncio.run(rehearse(psutil.Process(at.process.pid), at.welcome, devices, settings))
    print("\n".join(found.lines()))
    assert (found.events, found.measured["devices"]) == (20, 60)
    assert found.measured["refused"] == {}
    for one in found.measured["transports"].values():
        assert (one["devices"], one["missed"]) == (15, 0)
        assert 0 < one["deliveries"] <= 15 * 20
        assert one["latency_ms"]["p50"] > settings.one_way_delay_ms
