"""The error that is shown to users."""

from __future__ import annotations


class UserError(Exception):
    """A mistake that the user can correct: one clear sentence, shown without a traceback."""
