"""A vote: one for each device, changed until it is closed, and refused in a sentence where it is none."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from classroom.joining.vote import Question, Vote
from classroom.refusals import RefusedError

CHOICES = [{"value": "half", "text": "half as many"}, {"value": "same", "text": "as many"}]
QUESTION: dict[str, Any] = {
    "id": "halve",
    "title": "Asking twice as often",
    "text": "What becomes of it?",
    "parts": [
        {"id": "requests", "ask": "Requests", "choices": CHOICES},
        {"id": "age", "ask": "Age", "choices": CHOICES},
    ],
}


def vote() -> Vote:
    return Vote(Question(**QUESTION))


def refusal(of: Vote, device: int, answers: dict[str, str]) -> tuple[int, str]:
    with pytest.raises(RefusedError) as caught:
        of.cast(device, answers)
    return caught.value.status, caught.value.detail


def test_each_device_counts_once_and_may_change_its_mind() -> None:
    voting = vote()
    voting.cast(1, {"requests": "half", "age": "same"})
    voting.cast(2, {"requests": "half", "age": "half"})
    voting.cast(1, {"requests": "same", "age": "same"})
    assert voting.counts() == {"requests": {"half": 1, "same": 1}, "age": {"half": 1, "same": 1}}
    assert voting.chosen == {1: {"requests": "same", "age": "same"}, 2: {"requests": "half", "age": "half"}}


def test_the_same_vote_twice_is_refused_and_stays() -> None:
    voting = vote()
    voting.cast(1, {"requests": "half", "age": "same"})
    assert refusal(voting, 1, {"age": "same", "requests": "half"}) == (
        409, "Your vote is counted already. Each device has one, which it can change.",
    )  # fmt: skip
    assert voting.counts()["requests"] == {"half": 1, "same": 0}


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({}, "Requests: expected one of half, same."),
        ({"requests": "half"}, "Age: expected one of half, same."),
        ({"requests": "half", "age": "twice"}, "Age: expected one of half, same."),
        ({"requests": "half", "age": "same", "mood": "good"}, "This question has no part 'mood'."),
    ],
)
def test_a_vote_for_what_is_not_asked(answers: dict[str, str], said: str) -> None:
    voting = vote()
    assert refusal(voting, 1, answers) == (422, said)
    assert voting.chosen == {}


def test_nothing_is_counted_once_it_is_closed() -> None:
    voting = vote()
    voting.cast(1, {"requests": "half", "age": "same"})
    voting.close()
    assert voting.message()["state"] == "closed"
    assert refusal(voting, 2, {"requests": "half", "age": "same"}) == (
        409, "This question is over: no more votes are counted.",
    )  # fmt: skip
    voting.decide({"requests": ["half"]}, {"requests": "0.4 against 0.2"})
    voting.close()
    assert voting.message() | {"id": "", "question": None} == {
        "id": "",
        "question": None,
        "state": "decided",
        "right": {"requests": ["half"], "age": []},
        "shown": {"requests": "0.4 against 0.2"},
    }


@pytest.mark.parametrize(("right", "shown"), [({"age": ["twice"]}, {}), ({"mood": []}, {}), ({}, {"mood": "good"})])
def test_a_decision_about_something_else_changes_nothing(right: dict[str, list[str]], shown: dict[str, str]) -> None:
    voting = vote()
    with pytest.raises(RefusedError):
        voting.decide(right, shown)
    assert voting.state == "open"


@pytest.mark.parametrize(
    "changed",
    [
        {"parts": []},
        {"parts": [QUESTION["parts"][0]] * 2},
        {"parts": [{"id": "a", "ask": "A", "choices": CHOICES[:1]}]},
        {"parts": [{"id": "a", "ask": "A", "choices": [CHOICES[0]] * 2}]},
        {"title": ""},
        {"title": "x" * 201},
        {"more": 1},
    ],
)
def test_what_is_no_question(changed: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Question(**QUESTION | changed)
