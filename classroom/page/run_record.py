"""The server's own record of a run, against which every figure of the page can be checked."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, HTTPException, Request

from classroom.lanes.definitions import LANES
from classroom.state import ClassroomState, require_teacher, state_of

router = APIRouter(dependencies=[Depends(require_teacher)])

_NOTHING_STATUS = 204


@router.get("/api/record")
async def record(request: Request) -> dict[str, Any]:
    """Return the record of the present run, or of the last one."""
    state = state_of(request)
    run = state.runs.current
    if run is None:
        raise HTTPException(404, "there was no run yet")
    return {
        "run": run.message(),
        "ended": state.runs.ended,
        "published": state.log.rows,
        "clients": {str(number): _client(state, number) for number in state.accounts.clients()},
        "unattributed": {
            lane.transport: dict(zip(("up_bytes", "down_bytes"), state.accounts.bytes_of(None, index), strict=True))
            for index, lane in enumerate(LANES)
        },
    }


def _client(state: ClassroomState, number: int) -> dict[str, Any]:
    return {lane.transport: _lane(state, number, index) for index, lane in enumerate(LANES)}


def _lane(state: ClassroomState, number: int, index: int) -> dict[str, Any]:
    account = state.accounts.of(number, index)
    up_bytes, down_bytes = state.accounts.bytes_of(number, index)
    return {
        "requests": len(account.requests),
        "empty": sum(request.status == _NOTHING_STATUS for request in account.answered),
        "delivered": sorted({seq for seq, _ in account.written}),
        "up_bytes": up_bytes,
        "down_bytes": down_bytes,
        "payload_bytes": account.payload_bytes,
        "requests_log": [request.row() for request in account.requests],
        "written": account.written,
    }
