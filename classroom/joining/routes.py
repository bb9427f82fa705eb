"""The routes of the class: joining for everyone, invitation and transports for the teacher."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import HTMLResponse

from classroom.joining.admission import MAX_CODE_CHARACTERS, Assign
from classroom.joining.class_membership import ClassMembership
from classroom.lanes.definitions import MAX_CLIENT
from classroom.limits import MAX_BODY_BYTES
from classroom.state import require_teacher
from classroom.static_files import files_of

router = APIRouter(max_body_size=MAX_BODY_BYTES)


class JoinRequest(BaseModel):
    """The request of a device that joins."""

    model_config = ConfigDict(strict=True, extra="forbid")

    code: Annotated[str, Field(max_length=MAX_CODE_CHARACTERS)]
    client: Annotated[int, Field(ge=0, lt=MAX_CLIENT)] | None = None
    """Its number before the classroom was restarted, by which it still has its vote."""


class AssignRequest(BaseModel):
    """Whether each device gets one transport in turn, or all."""

    model_config = ConfigDict(strict=True, extra="forbid")

    assign: Assign


@router.get("/join", response_class=HTMLResponse)
async def join_page(request: Request) -> HTMLResponse:
    """Return the page for phones."""
    membership_of(request)
    return files_of(request).page("join.html")


@router.post("/api/join")
async def join(request: Request, wanted: JoinRequest) -> dict[str, object]:
    """Return a client number for a device that sends the code, and the transports assigned to it."""
    membership = membership_of(request)
    address = request.client.host if request.client is not None else ""
    device = membership.join(wanted.code, address, wanted.client)
    return {"client": device.number, "transports": device.transports, "name": membership.name_of(device)}


@router.get("/api/class", dependencies=[Depends(require_teacher)])
async def invitation(request: Request) -> dict[str, object]:
    """Return address, code, link and QR code by which devices join."""
    return membership_of(request).invitation()


@router.post("/api/class", dependencies=[Depends(require_teacher)])
async def assign(request: Request, wanted: AssignRequest) -> dict[str, object]:
    """Assign the transports again."""
    membership = membership_of(request)
    membership.reassign(wanted.assign)
    return membership.invitation()


def membership_of(request: Request) -> ClassMembership:
    """Return the class; raise 404 if other machines cannot join the classroom."""
    membership: ClassMembership | None = request.app.state.membership
    if membership is None:
        raise HTTPException(404, "nobody can join: this classroom was opened for its own machine only")
    return membership
