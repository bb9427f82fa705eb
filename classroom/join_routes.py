"""The routes of the class: joining for everyone, invitation and transports for the teacher."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Annotated

import segno
from fastapi import APIRouter, Depends, HTTPException, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import FileResponse

from classroom.class_desk import ClassDesk
from classroom.join import MAX_CODE_CHARACTERS, Assign, JoinRefusedError
from classroom.limits import MAX_BODY_BYTES
from classroom.room import require_teacher

JOIN_PAGE = Path(__file__).parent / "static" / "join.html"

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
async def join_page() -> FileResponse:
    """The page of the phones."""
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
    """Address, code and link by which devices join."""
    return desk_of(request).invitation()


@router.post("/api/class", dependencies=[Depends(require_teacher)])
async def assign(request: Request, asked: AssignRequest) -> dict[str, object]:
    """Hand the transports out anew."""
    desk = desk_of(request)
    desk.reassign(asked.assign)
    return desk.invitation()


@router.get("/qr.svg", dependencies=[Depends(require_teacher)])
async def qr(request: Request) -> Response:
    """The link as a QR code. It holds the class's code, so it is the teacher's to show."""
    return Response(qr_svg(str(desk_of(request).invitation()["link"])), media_type="image/svg+xml")


def qr_svg(text: str) -> bytes:
    """A QR code with its quiet zone, black on white whatever the page's colours are, as large as its frame."""
    out = io.BytesIO()
    code = segno.make(text, error="m", micro=False)
    code.save(out, kind="svg", border=4, dark="#000", light="#fff", omitsize=True, xmldecl=False, svgclass=None)
    return out.getvalue()


def desk_of(request: Request) -> ClassDesk:
    """The class of the room; 404 where the room is closed to others."""
    desk: ClassDesk | None = request.app.state.desk
    if desk is None:
        raise HTTPException(404, "nobody can join: this classroom was opened for its own machine only")
    return desk
