"""A vote that is kept is the same vote again, for its own class, and only as far as it is whole and recent."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from classroom.joining.kept_vote import KEPT_FOR_S, file_of, keep_vote, read_vote
from classroom.joining.vote import Question, Vote
from tests.classroom.joining.test_vote import QUESTION

CODE = "ABCDEF"


def vote(state: str) -> Vote:
    """Two devices have voted; then it was left in this state."""
    voting = Vote(Question(**QUESTION))
    voting.cast(2**40, {"requests": "half", "age": "same"})
    voting.cast(7, {"requests": "same", "age": "same"})
    if state == "closed":
        voting.close()
    elif state == "decided":
        voting.decide({"requests": ["half"]}, {"requests": "0.4 against 0.2"})
    return voting


@pytest.mark.parametrize("state", ["open", "closed", "decided"])
def test_a_vote_is_the_same_again_and_goes_on(tmp_path: Path, state: str) -> None:
    file, voting = file_of(tmp_path, 8000), vote(state)
    keep_vote(file, CODE, voting)
    again = read_vote(file, CODE)
    assert again == voting
    assert file.stat().st_mode & 0o777 == 0o600
    keep_vote(file, CODE, None)
    assert read_vote(file, CODE) is None
    assert list(tmp_path.iterdir()) == []


def test_another_class_and_another_port_have_none(tmp_path: Path) -> None:
    keep_vote(file_of(tmp_path, 8000), CODE, vote("open"))
    assert read_vote(file_of(tmp_path, 8000), "FEDCBA") is None
    assert read_vote(file_of(tmp_path, 8001), CODE) is None


@pytest.mark.parametrize(("age_s", "is_kept"), [(KEPT_FOR_S - 60, True), (KEPT_FOR_S, False)])
def test_the_vote_of_an_earlier_lesson_is_over(tmp_path: Path, age_s: float, is_kept: bool) -> None:
    file = file_of(tmp_path, 8000)
    keep_vote(file, CODE, vote("open"))
    then_s = time.time() - age_s
    os.utime(file, (then_s, then_s))
    assert (read_vote(file, CODE) is not None) == is_kept


@pytest.mark.parametrize(
    "damage",
    [
        {"question": QUESTION | {"parts": []}},
        {"state": "splendid"},
        {"chosen": [[1, {"requests": "half"}]]},
        {"chosen": [[1, {"requests": "half", "age": "twice"}]]},
        {"chosen": [["1", {"requests": "half", "age": "half"}]]},
        {"state": "decided", "right": {"mood": ["good"]}},
        {"more": 1},
        {"id": None},
    ],
)
def test_a_vote_that_does_not_fit_begins_anew(tmp_path: Path, damage: dict[str, Any]) -> None:
    file = file_of(tmp_path, 8000)
    keep_vote(file, CODE, vote("open"))
    whole = json.loads(file.read_text())
    file.write_text(json.dumps(whole | damage))
    assert read_vote(file, CODE) is None
    file.write_text(json.dumps(whole)[:-1])
    assert read_vote(file, CODE) is None
    file.write_text(json.dumps(whole))
    assert read_vote(file, CODE) is not None
