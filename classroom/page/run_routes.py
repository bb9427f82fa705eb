"""The routes by which the teacher starts, changes and stops runs."""

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
    """New settings for the current run; None leaves a setting unchanged."""

    model_config = ConfigDict(strict=True, extra="forbid")

    rate_per_s: float | None = None
    poll_interval_s: float | None = None
    one_way_delay_ms: float | None = None


class Auto(BaseModel):
    """Whether runs follow each other by themselves."""

    model_config = ConfigDict(strict=True, extra="forbid")

    auto: bool


@router.post("/api/run")
async def start(request: Request, wanted: RunRequest) -> dict[str, object]:
    """Start a run, in place of the present one."""
    runs = state_of(request).runs
    settings = RunSettings(**wanted.model_dump(exclude={"auto", "once"}))
    return runs.start(settings, auto=runs.auto if wanted.auto is None else wanted.auto, once=wanted.once).message()


@router.post("/api/change")
async def change(request: Request, changes: Change) -> dict[str, object]:
    """Change the current run, from its next event or poll on."""
    runs = state_of(request).runs
    no_run = HTTPException(409, "no run is on that could be changed")
    if runs.current is None:
        raise no_run
    try:
        settings = runs.current.settings.model_dump() | changes.model_dump(exclude_none=True)
        changed = runs.change(RunSettings(**settings))
    except ValidationError as error:
        raise RequestValidationError([{**e, "loc": ("body", *e["loc"])} for e in error.errors()]) from error
    if changed is None:
        raise no_run
    return changed.message()


@router.post("/api/stop")
async def stop(request: Request) -> dict[str, object]:
    """End the present run; none follows until one is started."""
    state_of(request).runs.stop()
    return {"auto": False}


@router.post("/api/auto")
async def auto(request: Request, wanted: Auto) -> dict[str, object]:
    """Let runs follow each other by themselves or not; the present run continues."""
    state_of(request).runs.set_auto(wanted.auto)
    return {"auto": wanted.auto}
