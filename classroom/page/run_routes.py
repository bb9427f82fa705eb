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
    """Settings, and how the next run starts."""

    auto: bool | None = None
    """Whether the next run starts by itself; unchanged if not given."""
    once: bool = False
    """Whether the next run has the settings from before this run again."""


class Change(BaseModel):
    """Settings that the run that is on goes on with; what is not said stays as it is."""

    model_config = ConfigDict(strict=True, extra="forbid")

    rate_per_s: float | None = None
    poll_interval_s: float | None = None
    one_way_delay_ms: float | None = None


class Auto(BaseModel):
    """Whether runs follow each other by themselves."""

    model_config = ConfigDict(strict=True, extra="forbid")

    auto: bool


@router.post("/api/run")
async def start(request: Request, asked: RunRequest) -> dict[str, object]:
    """Start a run, in place of the present one."""
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
    """End the present run; none follows until one is started."""
    state_of(request).runs.stop()
    return {"auto": False}


@router.post("/api/auto")
async def auto(request: Request, asked: Auto) -> dict[str, object]:
    """Let runs follow each other by themselves or not; the present run continues."""
    state_of(request).runs.set_auto(asked.auto)
    return {"auto": asked.auto}
