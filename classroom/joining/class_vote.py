"""The class's vote: one question at a time, asked by the teacher and answered by the devices that joined."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from classroom.joining.class_membership import ClassMembership
from classroom.joining.refused import RefusedError
from classroom.joining.vote import OVER, Question, Vote
from classroom.lanes.clients import Client
from classroom.limits import VOTES_PER_S, RateLimit
from classroom.state import ClassroomState


class ClassVote:
    """The present question, if there is one, and the message about it for each page."""

    def __init__(self, state: ClassroomState, membership: ClassMembership) -> None:
        self._membership = membership
        self._vote: Vote | None = None
        self._rates: dict[int, RateLimit] = {}
        state.notices.append(lambda client: {"type": "vote", "vote": self._for_client(client)})

    def ask(self, question: Question) -> None:
        """Ask the class a question, in place of the one before."""
        self._vote = Vote(question)
        self._rates.clear()

    def cast(self, device: int, vote: str, answers: Mapping[str, str]) -> None:
        """Count a device's vote; raise RefusedError if it cannot be counted."""
        if not self._membership.has(device):
            raise RefusedError(403, "Only devices that joined the class vote: load the page again.")
        now_ns = time.monotonic_ns()
        if not self._rates.setdefault(device, RateLimit(VOTES_PER_S, now_ns)).allows(now_ns):
            raise RefusedError(429, f"A device may vote {VOTES_PER_S:g} times a second.")
        if self._vote is None:
            raise RefusedError(409, "There is no question to vote on at the moment.")
        self.present(vote).cast(device, answers)

    def present(self, vote: str) -> Vote:
        """Return the vote with this id; raise RefusedError if it is not the present one."""
        if self._vote is None or self._vote.id != vote:
            raise RefusedError(409, OVER)
        return self._vote

    def end(self, vote: str) -> None:
        """Take the question away from all pages; raise RefusedError if it is not the present one."""
        self.present(vote)
        self._vote = None

    def for_teacher(self) -> dict[str, Any] | None:
        """Return the present vote, with its counts once it is closed; None if there is no vote."""
        vote = self._vote
        if vote is None:
            return None
        return vote.message() | {
            "voted": len(vote.voters),
            "devices": len(vote.voters | self._membership.devices_here()),
            "counts": None if vote.state == "open" else vote.counts(),
        }

    def _for_client(self, client: Client) -> dict[str, Any] | None:
        if client.teacher:
            return self.for_teacher()
        return None if self._vote is None else self._vote.message() | {"own": self._vote.choices_of(client.number)}
