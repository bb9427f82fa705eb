"""The cursor as HTTP and WebSocket requests carry it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Query

from contract import wire

MAX_CURSOR = 2**53 - 1
"""What every language's JSON numbers hold exactly."""

After = Annotated[int, Query(ge=0, le=MAX_CURSOR, description="seq of the last event the client has; 0 for none")]

CursorKind = Annotated[
    Literal["seq", "none"],
    Query(
        alias=wire.CURSOR_PARAMETER,
        description="none: keep no cursor, and lose what is published between two polls; `after` is of no effect then",
    ),
]
"""Wire names `CURSOR_BY_SEQ` and `NO_CURSOR`, spelt out because a type needs literals."""

TOO_OLD_RESPONSE: dict[int | str, dict[str, Any]] = {
    wire.CURSOR_TOO_OLD_STATUS: {
        "description": "The event after the cursor has left the history.",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
}
