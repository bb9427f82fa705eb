"""The routes of the class: joining for everyone, invitation and transports for the teacher."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import FileResponse

from classroom.joining.admission import MAX_CODE_CHARACTERS, Assign, JoinRefusedError
from classroom.joining.class_membership import ClassDesk
from classroom.limits import MAX_BODY_BYTES
from classroom.shared_state import require_teacher

JOIN_PAGE = Path(__file__).parents[1] / "static" / "join.html"

router = APIRouter(max_body_size=MAX_BODY_BYTES)


class JoinRequest(BaseModel):
    """What a device sends to join."""

    model_config = ConfigDict(strict=True, extra="forbid")

    code: Annotated[str, Field(max_length=MAX_CODE_CHARACTERS)]


class AssignRequest(BaseModel):
    """Whether each device gets one transport in turn, or all."""

    model_config = ConfigDict(strict=True, extra="forbid")

    assign: Assign


@router.get("/join", response_class=FileResponse)
async def join_page(request: Request) -> FileResponse:
    """The page of the phones."""
    desk_of(request)
    return FileResponse(JOIN_PAGE)


@router.post("/api/join")
async def join(request: Request, asked: JoinRequest) -> dict[str, object]:
    """A client number for a device that knows the code, and the transports that it is given."""
    desk = desk_of(request)
    address = request.client.host if request.client is not None else ""
    try:
        device = desk.join(asked.code, address)
    except JoinRefusedError as refusal:
        raise HTTPException(refusal.status, refusal.detail) from None
    return {"client": device.number, "transports": device.transports, "name": desk.name_of(device)}


@router.get("/api/class", dependencies=[Depends(require_teacher)])
async def invitation(request: Request) -> dict[str, object]:
    """Address, code, link and QR code by which devices join."""
    return desk_of(request).invitation()


@router.post("/api/class", dependencies=[Depends(require_teacher)])
async def assign(request: Request, asked: AssignRequest) -> dict[str, object]:
    """Hand the transports out anew."""
    desk = desk_of(request)
    desk.reassign(asked.assign)
    return desk.invitation()


def desk_of(request: Request) -> ClassDesk:
    """The class of the room; 404 where the room is closed to others."""
    desk: ClassDesk | None = request.app.state.desk
    if desk is None:
        raise HTTPException(404, "nobody can join: this classroom was opened for its own machine only")
    return desk
