"""Starting and stopping runs over HTTP, which only the teacher may."""

from __future__ import annotations

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, ValidationError

from classroom.limits import MAX_BODY_BYTES
from classroom.run_settings import RunSettings
from classroom.state import require_teacher, state_of

router = APIRouter(dependencies=[Depends(require_teacher)], max_body_size=MAX_BODY_BYTES)


class RunRequest(RunSettings):
    """Settings, and how the next run comes about."""

    auto: bool | None = None
    """Whether it is to follow by itself; where that is not said it stays as it was."""
    once: bool = False
    """Whether it is to have the settings of before this run, rather than of this run."""


class Change(BaseModel):
    """Settings that the run that is on goes on with; what is not said stays as it is."""

    model_config = ConfigDict(strict=True, extra="forbid")

    rate_per_s: float | None = None
    poll_interval_s: float | None = None
    one_way_delay_ms: float | None = None


class Auto(BaseModel):
    """Whether run is to follow run."""

    model_config = ConfigDict(strict=True, extra="forbid")

    auto: bool


@router.post("/api/run")
async def start(request: Request, asked: RunRequest) -> dict[str, object]:
    """Start a run, in place of one that is on."""
    runs = state_of(request).runs
    settings = RunSettings(**asked.model_dump(exclude={"auto", "once"}))
    return runs.start(settings, auto=runs.auto if asked.auto is None else asked.auto, once=asked.once).message()


@router.post("/api/change")
async def change(request: Request, asked: Change) -> dict[str, object]:
    """Change the run that is on, from its next event or poll on."""
    runs = state_of(request).runs
    nothing_on = HTTPException(409, "no run is on that could be changed")
    if runs.current is None:
        raise nothing_on
    try:
        wanted = runs.current.settings.model_dump() | asked.model_dump(exclude_none=True)
        changed = runs.change(RunSettings(**wanted))
    except ValidationError as error:
        raise RequestValidationError([{**e, "loc": ("body", *e["loc"])} for e in error.errors()]) from error
    if changed is None:
        raise nothing_on
    return changed.message()


@router.post("/api/stop")
async def stop(request: Request) -> dict[str, object]:
    """End the run that is on; none follows until asked for."""
    state_of(request).runs.stop()
    return {"auto": False}


@router.post("/api/auto")
async def auto(request: Request, asked: Auto) -> dict[str, object]:
    """Let run follow run, or have it wait; a run that is on goes on."""
    state_of(request).runs.set_auto(asked.auto)
    return {"auto": asked.auto}
