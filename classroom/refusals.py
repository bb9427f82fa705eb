"""The refusal of a request: an HTTP status and one sentence, for every part of the classroom."""

from __future__ import annotations

from starlette.responses import JSONResponse


class RefusedError(Exception):
    """A request is refused, with an HTTP status and a sentence for its sender."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail

    def response(self) -> JSONResponse:
        """Return the refusal as the answer to a request or to a WebSocket's handshake."""
        return JSONResponse({"detail": self.detail}, self.status)
