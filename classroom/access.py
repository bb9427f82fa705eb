"""The teacher's key and the code with which devices join a class. A restart on the same port keeps both.

They are kept in one file per port, in the user's runtime folder. A start more than a day after the last one counts as
another class, with a new key and code.
"""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from classroom.kept_files import keep, read_kept

KEPT_FOR_S = 86_400.0

_CODE_LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
"""Letters and digits that cannot be mistaken for each other when read from a projector."""
_CODE_LENGTH = 6
_CODE = re.compile(f"[{_CODE_LETTERS}]{{{_CODE_LENGTH}}}")
_KEY_BYTES = 16
_KEY = re.compile("[A-Za-z0-9_-]{22}")
_MAX_FILE_BYTES = 1000


@dataclass(frozen=True, slots=True)
class Access:
    """The key and the code of one class."""

    teacher_key: str
    join_code: str

    @classmethod
    def draw(cls) -> Access:
        """Return a new, random key and code."""
        code = "".join(secrets.choice(_CODE_LETTERS) for _ in range(_CODE_LENGTH))
        return cls(secrets.token_urlsafe(_KEY_BYTES), code)


def file_of(folder: Path, port: int) -> Path:
    """Return the file that keeps the key and the code of the class on this port."""
    return folder / f"classroom-{port}.json"


def read_access(file: Path) -> Access | None:
    """Return the key and code of the last classroom on the port; None if they are missing, too old or damaged."""
    content = read_kept(file, KEPT_FOR_S, _MAX_FILE_BYTES)
    try:
        kept = json.loads(content or b"null")
    except (ValueError, RecursionError):
        return None
    if not isinstance(kept, dict):
        return None
    key, code = kept.get("teacher_key"), kept.get("join_code")
    if isinstance(key, str) and isinstance(code, str) and _KEY.fullmatch(key) and _CODE.fullmatch(code):
        return Access(key, code)
    return None


def keep_access(file: Path, access: Access) -> bool:
    """Save the key and code for the next start; return whether that was possible."""
    return keep(file, json.dumps(asdict(access)))
