"""The routes of the vote: the teacher asks, closes and decides, and devices vote."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request
from pydantic import BaseModel, ConfigDict, Field

from classroom.joining.class_vote import ClassVote
from classroom.joining.vote import MAX_CHOICES, MAX_ID_CHARACTERS, MAX_PARTS, MAX_TEXT_CHARACTERS, Question
from classroom.lanes.definitions import MAX_CLIENT
from classroom.limits import MAX_BODY_BYTES
from classroom.state import require_teacher

_Id = Annotated[str, Field(max_length=MAX_ID_CHARACTERS)]
_Text = Annotated[str, Field(max_length=MAX_TEXT_CHARACTERS)]

router = APIRouter(max_body_size=MAX_BODY_BYTES)
teachers_router = APIRouter(max_body_size=MAX_BODY_BYTES, dependencies=[Depends(require_teacher)])


class VoteId(BaseModel):
    """The id of the vote that a request is about."""

    model_config = ConfigDict(strict=True, extra="forbid")

    vote: _Id


class Ballot(VoteId):
    """A device's vote: a choice for each part of the question."""

    client: Annotated[int, Field(ge=0, lt=MAX_CLIENT)]
    answers: Annotated[dict[_Id, _Id], Field(max_length=MAX_PARTS)]


class Decision(VoteId):
    """The answer that the run gives to each part: the right choices, and the result in words."""

    right: Annotated[dict[_Id, Annotated[list[_Id], Field(max_length=MAX_CHOICES)]], Field(max_length=MAX_PARTS)]
    shown: Annotated[dict[_Id, _Text], Field(max_length=MAX_PARTS)]


@router.post("/api/vote")
async def cast(request: Request, ballot: Ballot) -> dict[str, Any]:
    """Count the vote of a device, in place of its earlier vote."""
    class_vote_of(request).cast(ballot.client, ballot.vote, ballot.answers)
    return {"own": ballot.answers}


@teachers_router.post("/api/question")
async def ask(request: Request, question: Question) -> dict[str, Any]:
    """Ask the class a question, in place of the one before."""
    votes = class_vote_of(request)
    votes.ask(question)
    return {"vote": votes.for_teacher()}


@teachers_router.post("/api/question/close")
async def close(request: Request, named: VoteId) -> dict[str, Any]:
    """Close the vote, and return the number of votes for each choice."""
    votes = class_vote_of(request)
    votes.close(named.vote)
    return {"vote": votes.for_teacher()}


@teachers_router.post("/api/question/decide")
async def decide(request: Request, decision: Decision) -> dict[str, Any]:
    """Send all pages the right answers and what the run has shown."""
    votes = class_vote_of(request)
    votes.decide(decision.vote, decision.right, decision.shown)
    return {"vote": votes.for_teacher()}


@teachers_router.post("/api/question/end")
async def end(request: Request, named: VoteId) -> dict[str, Any]:
    """Remove the question from all pages."""
    votes = class_vote_of(request)
    votes.end(named.vote)
    return {"vote": votes.for_teacher()}


def class_vote_of(request: Request) -> ClassVote:
    """Return the class's vote; raise 404 if other machines cannot join the classroom."""
    votes: ClassVote | None = request.app.state.class_vote
    if votes is None:
        raise HTTPException(404, "nobody can vote: this classroom was opened for its own machine only")
    return votes
