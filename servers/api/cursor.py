"""The cursor as a parameter of HTTP and WebSocket requests."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Query

from contract import wire

MAX_CURSOR = 2**53 - 1
"""The largest integer that JSON numbers represent exactly in every language."""

After = Annotated[int, Query(ge=0, le=MAX_CURSOR, description="seq of the last event the client has; 0 for none")]

CursorKind = Annotated[
    Literal["seq", "none"],
    Query(
        alias=wire.CURSOR_PARAMETER,
        description="none: keep no cursor, and lose events published between two polls; `after` has no effect then",
    ),
]
"""The values are `wire.CURSOR_BY_SEQ` and `wire.NO_CURSOR`, spelt out because a type needs literals."""

TOO_OLD_RESPONSE: dict[int | str, dict[str, Any]] = {
    wire.CURSOR_TOO_OLD_STATUS: {
        "description": "The event after the cursor has left the history.",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
}
