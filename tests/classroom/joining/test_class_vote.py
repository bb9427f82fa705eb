"""The class votes over its real routes: who is asked, who may vote, and what each page is told."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
import websockets.sync.client as websockets

from classroom.limits import VOTES_PER_S
from tests import plain_http
from tests.classroom.conftest import PATIENCE_S, RunningClassroom, running_classroom
from tests.classroom.joining.devices import heard, joined, live
from tests.classroom.joining.test_vote import QUESTION

pytestmark = pytest.mark.takes_s(10)

HALF = {"requests": "half", "age": "half"}
SAME = {"requests": "half", "age": "same"}


@pytest.fixture(scope="module")
def open_class() -> Iterator[RunningClassroom]:
    """A classroom that devices can join."""
    with running_classroom("--host", "0.0.0.0") as opened:
        yield opened


@pytest.fixture(autouse=True)
def no_question(open_class: RunningClassroom) -> Iterator[None]:
    """Every test begins and ends without a question."""
    yield
    present = teacher(open_class, "", QUESTION).json()["vote"]["id"]
    assert teacher(open_class, "/end", {"vote": present}).json() == {"vote": None}


def teacher(at: RunningClassroom, path: str, body: Any) -> httpx.Response:
    return at.request("POST", f"/api/question{path}", json=body)


def ask(at: RunningClassroom) -> str:
    answer = teacher(at, "", QUESTION)
    assert answer.status_code == 200, answer.text
    vote: str = answer.json()["vote"]["id"]
    return vote


def cast(at: RunningClassroom, client: Any, vote: Any, answers: Any) -> httpx.Response:
    """As the device's page does it: without the teacher's key."""
    body = {"client": client, "vote": vote, "answers": answers}
    return plain_http.post(f"{at.url}/api/vote", json=body, headers={"Origin": at.url}, timeout=PATIENCE_S)


def told(socket: websockets.ClientConnection) -> Any:
    return heard(socket, "vote")["vote"]


def told_when(socket: websockets.ClientConnection, is_so: Callable[[Any], bool]) -> Any:
    """The first notice of which this is so: devices of tests before may still be leaving."""
    while not is_so(vote := told(socket)):
        pass
    return vote


def test_a_vote_from_question_to_decision(open_class: RunningClassroom) -> None:
    one, other = joined(open_class)["client"], joined(open_class)["client"]
    with (
        live(open_class, f"key={open_class.teacher_key}") as desk,
        live(open_class, f"client={one}") as mine,
        live(open_class, f"client={other}") as others,
    ):
        assert told(desk) is told(mine) is told(others) is None
        vote = ask(open_class)
        asked = told(mine)
        assert asked == {"id": vote, "state": "open", "question": QUESTION, "right": None, "shown": {}, "own": None}
        assert told(others) == asked
        assert cast(open_class, one, vote, HALF).json() == {"own": HALF}
        assert told(mine)["own"] == HALF
        assert cast(open_class, other, vote, SAME).status_code == 200
        assert told(others)["own"] == SAME
        counted = told_when(desk, lambda vote: (vote["voted"], vote["devices"]) == (2, 2))
        assert counted["counts"] is None, "nobody sees what others chose before the vote is closed"
        assert cast(open_class, other, vote, HALF).status_code == 200  # it has changed its mind
        assert told(others)["own"] == HALF
        closed = teacher(open_class, "/close", {"vote": vote}).json()["vote"]
        assert closed["counts"] == {"requests": {"half": 2, "same": 0}, "age": {"half": 2, "same": 0}}
        assert told_when(desk, lambda vote: vote["state"] == "closed")["counts"] == closed["counts"]
        assert told(mine)["state"] == "closed"
        decision = {"vote": vote, "right": {"requests": ["same"]}, "shown": {"requests": "as many"}}
        assert teacher(open_class, "/decide", decision).json()["vote"]["right"] == {"requests": ["same"], "age": []}
        decided = told(mine)
        assert (decided["state"], decided["shown"]) == ("decided", {"requests": "as many"})
        assert "counts" not in decided
        teacher(open_class, "/end", {"vote": vote})
        assert told(mine) is None
        told_when(desk, lambda vote: vote is None)


def test_a_device_that_comes_late_is_asked_and_one_that_comes_again_has_its_vote(open_class: RunningClassroom) -> None:
    vote = ask(open_class)
    device = joined(open_class)["client"]
    with live(open_class, f"client={device}") as socket:
        assert told(socket)["id"] == vote
        assert cast(open_class, device, vote, HALF).status_code == 200
    with live(open_class, f"client={device}") as socket:
        assert told(socket)["own"] == HALF
    with live(open_class, f"key={open_class.teacher_key}") as desk:
        assert told(desk)["voted"] == 1


def test_votes_that_are_refused_and_the_device_that_goes_on(open_class: RunningClassroom) -> None:
    device = joined(open_class)["client"]
    stranger = joined(open_class)["client"] ^ 1
    assert (refused := cast(open_class, device, "any", HALF)).status_code == 409
    assert refused.json()["detail"] == "There is no question to vote on at the moment."
    before = ask(open_class)
    vote = ask(open_class)
    for client, name, answers, status, said in [
        (device, before, HALF, 409, "This question is over"),
        (stranger, vote, HALF, 403, "Only devices that joined"),
        (device, vote, {"requests": "half"}, 422, "Age: expected one of half, same."),
    ]:
        answer = cast(open_class, client, name, answers)
        assert (answer.status_code, answer.json()["detail"][: len(said)]) == (status, said)
    with live(open_class, f"client={device}") as socket:
        assert told(socket)["own"] is None
        assert cast(open_class, device, vote, HALF).status_code == 200
        assert "counted already" in cast(open_class, device, vote, HALF).json()["detail"]
        assert told(socket)["own"] == HALF
        socket.ping().wait(PATIENCE_S)
    teacher(open_class, "/close", {"vote": vote})
    assert cast(open_class, joined(open_class)["client"], vote, SAME).status_code == 409


def test_a_device_that_floods_is_told_to_wait(open_class: RunningClassroom) -> None:
    device, vote = joined(open_class)["client"], ask(open_class)
    began_s = time.monotonic()
    answers = [cast(open_class, device, vote, HALF) for _ in range(40)]
    took_s = time.monotonic() - began_s
    taken = [answer for answer in answers if answer.status_code != 429]
    assert len(taken) <= 2 * VOTES_PER_S + VOTES_PER_S * took_s
    assert all("2 times a second" in answer.json()["detail"] for answer in answers if answer not in taken)


@pytest.mark.parametrize(
    ("client", "vote", "answers"),
    [("1", "v", {}), (-1, "v", {}), (2**47, "v", {}), (True, "v", {}), (1, 7, {}), (1, "v" * 41, {}), (1, "v", [])],
)
def test_what_is_no_vote(open_class: RunningClassroom, client: Any, vote: Any, answers: Any) -> None:
    answer = cast(open_class, client, vote, answers)
    assert answer.status_code == 422
    assert 10 < len(answer.json()["detail"]) < 500


@pytest.mark.parametrize("path", ["", "/close", "/decide", "/end"])
def test_questions_are_the_teachers_alone(open_class: RunningClassroom, path: str) -> None:
    for key, said in ((None, "send the key"), ("wrong", "the address with ?key=")):
        headers = {"Origin": open_class.url} | ({} if key is None else {"X-Teacher-Key": key})
        answer = plain_http.post(f"{open_class.url}/api/question{path}", json=QUESTION, headers=headers)
        assert answer.status_code == 403
        assert said in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/close", "/decide", "/end"])
def test_a_question_that_another_page_has_replaced_is_over(open_class: RunningClassroom, path: str) -> None:
    before = ask(open_class)
    ask(open_class)
    body: dict[str, Any] = {"vote": before} | ({"right": {}, "shown": {}} if path == "/decide" else {})
    answer = teacher(open_class, path, body)
    assert (answer.status_code, "over" in answer.json()["detail"]) == (409, True)


@pytest.mark.parametrize("changed", [{"parts": []}, {"parts": [QUESTION["parts"][0]] * 2}, {"title": 7}])
def test_what_is_no_question_is_not_asked(open_class: RunningClassroom, changed: dict[str, Any]) -> None:
    answer = teacher(open_class, "", QUESTION | changed)
    assert answer.status_code == 422
    assert 10 < len(answer.json()["detail"]) < 500


def test_alone_nobody_votes(classroom: RunningClassroom) -> None:
    assert teacher(classroom, "", QUESTION).status_code == 404
    assert "own machine" in cast(classroom, 1, "v", {}).json()["detail"]
