"""The class's vote: one question at a time, asked by the teacher and answered by the devices of the class."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from classroom.joining.class_membership import ClassMembership
from classroom.joining.kept_vote import keep_vote, read_vote
from classroom.joining.vote import OVER, Question, Vote
from classroom.lanes.clients import Client
from classroom.limits import VOTES_PER_S, RateLimit
from classroom.refusals import RefusedError
from classroom.state import ClassroomState


class ClassVote:
    """The current question, if there is one, and the message about it for each page.

    Each change is saved, so that a restarted classroom on the same port continues the vote.
    """

    def __init__(self, state: ClassroomState, membership: ClassMembership) -> None:
        self._membership = membership
        self._file = state.vote_file
        self._join_code = state.access.join_code
        self._vote = None if self._file is None else read_vote(self._file, self._join_code)
        self._rates: dict[int, RateLimit] = {}
        state.notices.append(lambda client: {"type": "vote", "vote": self._for_client(client)})

    def ask(self, question: Question) -> None:
        """Ask the class a question, in place of the one before."""
        self._vote = Vote(question)
        self._rates.clear()
        self._keep()

    def cast(self, device: int, vote: str, answers: Mapping[str, str]) -> None:
        """Count a device's vote; raise RefusedError if it cannot be counted."""
        if not self._membership.has(device):
            raise RefusedError(403, "Only devices that joined the class vote: load the page again.")
        now_ns = time.monotonic_ns()
        if not self._rates.setdefault(device, RateLimit(VOTES_PER_S, now_ns)).allows(now_ns):
            raise RefusedError(429, f"A device may vote {VOTES_PER_S:g} times a second.")
        if self._vote is None:
            raise RefusedError(409, "There is no question to vote on at the moment.")
        self._present(vote).cast(device, answers)
        self._keep()

    def close(self, vote: str) -> None:
        """Stop counting votes; raise RefusedError if this is not the present vote."""
        self._present(vote).close()
        self._keep()

    def decide(self, vote: str, right: Mapping[str, Sequence[str]], shown: Mapping[str, str]) -> None:
        """Record the answers of the run; raise RefusedError if they do not fit, or this is not the present vote."""
        self._present(vote).decide(right, shown)
        self._keep()

    def end(self, vote: str) -> None:
        """Remove the question from all pages; raise RefusedError if this is not the present vote."""
        self._present(vote)
        self._vote = None
        self._keep()

    def for_teacher(self) -> dict[str, Any] | None:
        """Return the present vote, with its counts once it is closed; None if there is no vote."""
        vote = self._vote
        if vote is None:
            return None
        return vote.message() | {
            "voted": len(vote.chosen),
            "devices": len(vote.chosen.keys() | self._membership.devices_here()),
            "counts": None if vote.state == "open" else vote.counts(),
        }

    def _present(self, vote: str) -> Vote:
        """Return the vote with this id; raise RefusedError if it is not the present one."""
        if self._vote is None or self._vote.id != vote:
            raise RefusedError(409, OVER)
        return self._vote

    def _keep(self) -> None:
        if self._file is not None:
            keep_vote(self._file, self._join_code, self._vote)

    def _for_client(self, client: Client) -> dict[str, Any] | None:
        if client.teacher:
            return self.for_teacher()
        return None if self._vote is None else self._vote.message() | {"own": self._vote.chosen.get(client.number)}
