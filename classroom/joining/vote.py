"""A vote: a question to the class, the choices of each device, and the answer that a run gives. Pure."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from classroom.refusals import RefusedError

MAX_ID_CHARACTERS = 40
MAX_TEXT_CHARACTERS = 200
MAX_PARTS = 4
MAX_CHOICES = 12
_MAX_QUESTION_CHARACTERS = 2000

OVER = "This question is over: no more votes are counted."

State = Literal["open", "closed", "decided"]

_Id = Annotated[str, Field(min_length=1, max_length=MAX_ID_CHARACTERS)]
_Text = Annotated[str, Field(min_length=1, max_length=MAX_TEXT_CHARACTERS)]


class Choice(BaseModel):
    """One of the answers that a device can give."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    value: _Id
    text: _Text


class Part(BaseModel):
    """One thing that a question asks for."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    id: _Id
    ask: _Text
    choices: Annotated[list[Choice], Field(min_length=2, max_length=MAX_CHOICES)]

    @property
    def values(self) -> list[str]:
        """The values of the choices, in order."""
        return [choice.value for choice in self.choices]

    @model_validator(mode="after")
    def _has_different_choices(self) -> Self:
        if len(set(self.values)) < len(self.values):
            raise ValueError(f"expected choices with different values, not {self.values}")
        return self


class Question(BaseModel):
    """A question as devices get it."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    id: _Id
    title: _Text
    text: Annotated[str, Field(max_length=_MAX_QUESTION_CHARACTERS)]
    parts: Annotated[list[Part], Field(min_length=1, max_length=MAX_PARTS)]

    @model_validator(mode="after")
    def _has_different_parts(self) -> Self:
        ids = [part.id for part in self.parts]
        if len(set(ids)) < len(ids):
            raise ValueError(f"expected parts with different ids, not {ids}")
        return self


@dataclass(slots=True)
class Vote:
    """The vote on one question: open, then closed, and decided once the run has given the answer."""

    question: Question
    id: str = field(default_factory=lambda: secrets.token_hex(8))
    state: State = "open"
    right: dict[str, list[str]] | None = None
    """The right choices for each part, empty if the run gave no answer; None until it is decided."""
    shown: dict[str, str] = field(default_factory=dict)
    """The answer that the run gives to each part, in words."""
    chosen: dict[int, dict[str, str]] = field(default_factory=dict)
    """The choice of each device that has voted, for each part."""

    def cast(self, device: int, answers: Mapping[str, str]) -> None:
        """Count a device's choices, in place of its earlier ones; raise RefusedError if they cannot be counted."""
        if self.state != "open":
            raise RefusedError(409, OVER)
        for part in self.question.parts:
            if answers.get(part.id) not in part.values:
                raise RefusedError(422, f"{part.ask}: expected one of {', '.join(part.values)}.")
        if unknown := [name for name in answers if all(name != part.id for part in self.question.parts)]:
            raise RefusedError(422, f"This question has no part {ascii(unknown[0])[:40]}.")
        if self.chosen.get(device) == answers:
            raise RefusedError(409, "Your vote is counted already. Each device has one, which it can change.")
        self.chosen[device] = dict(answers)

    def close(self) -> None:
        """Stop counting votes."""
        if self.state == "open":
            self.state = "closed"

    def decide(self, right: Mapping[str, Sequence[str]], shown: Mapping[str, str]) -> None:
        """Record the answers of the run; raise RefusedError if one names a part or choice that does not exist."""
        for part in self.question.parts:
            if unknown := [value for value in right.get(part.id, ()) if value not in part.values]:
                raise RefusedError(422, f"{part.ask}: {ascii(unknown[0])[:40]} is none of the choices.")
        ids = [part.id for part in self.question.parts]
        if any(name not in ids for name in (*right, *shown)):
            raise RefusedError(422, f"The parts of this question are {', '.join(ids)}.")
        self.state = "decided"
        self.right = {name: list(right.get(name, ())) for name in ids}
        self.shown = dict(shown)

    def message(self) -> dict[str, Any]:
        """Return the vote as it is sent to every page."""
        return {
            "id": self.id,
            "state": self.state,
            "question": self.question.model_dump(),
            "right": self.right,
            "shown": self.shown,
        }

    def counts(self) -> dict[str, dict[str, int]]:
        """Return how many devices chose each value of each part."""
        return {
            part.id: {value: sum(chosen[part.id] == value for chosen in self.chosen.values()) for value in part.values}
            for part in self.question.parts
        }
