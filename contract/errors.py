"""The one error that is shown to people."""

from __future__ import annotations


class UserError(Exception):
    """Something the person at the keyboard can mend: one clear sentence, shown without a traceback."""
