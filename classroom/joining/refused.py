"""The refusal of what a device of the class asked for."""

from __future__ import annotations


class RefusedError(Exception):
    """A device may not do this: the HTTP status and the sentence for its user."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
