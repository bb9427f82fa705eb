"""The class's vote in a file beside its key and code, from which a restarted classroom continues it."""

from __future__ import annotations

import contextlib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from classroom.joining.vote import Question, State, Vote
from classroom.kept_files import keep, read_kept
from classroom.refusals import RefusedError

KEPT_FOR_S = 3600.0
"""An older vote belongs to another lesson."""
_MAX_FILE_BYTES = 1 << 20


class _KeptVote(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    join_code: str
    """Identifies the class."""
    id: str
    question: Question
    state: State
    right: dict[str, list[str]] | None
    shown: dict[str, str]
    chosen: list[tuple[int, dict[str, str]]]


def file_of(folder: Path, port: int) -> Path:
    """Return the file that keeps the vote of the class on this port."""
    return folder / f"classroom-{port}-vote.json"


def read_vote(file: Path, join_code: str) -> Vote | None:
    """Return the vote that this class had; None if there was none, or the file is too old or damaged."""
    content = read_kept(file, KEPT_FOR_S, _MAX_FILE_BYTES)
    try:
        kept = _KeptVote.model_validate_json(content or b"")
        return _restored(kept) if kept.join_code == join_code else None
    except (ValidationError, RefusedError):
        return None


def keep_vote(file: Path, join_code: str, vote: Vote | None) -> None:
    """Save the vote, or delete the file if there is none; if that fails, a restarted classroom has no vote."""
    if vote is None:
        with contextlib.suppress(OSError):
            file.unlink(missing_ok=True)
        return
    kept = _KeptVote(
        join_code=join_code,
        id=vote.id,
        question=vote.question,
        state=vote.state,
        right=vote.right,
        shown=vote.shown,
        chosen=list(vote.chosen.items()),
    )
    keep(file, kept.model_dump_json())


def _restored(kept: _KeptVote) -> Vote:
    """Return the vote with each choice counted again; raise RefusedError if one does not fit the question."""
    vote = Vote(kept.question, kept.id)
    for device, answers in kept.chosen:
        vote.cast(device, answers)
    if kept.state == "decided":
        vote.decide(kept.right or {}, kept.shown)
    elif kept.state == "closed":
        vote.close()
    return vote
