"""A private folder for data that a program keeps from one start to the next."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path


def private_runtime_folder(name: str) -> Path | None:
    """Return this user's folder of that name, created if it is missing; None if none can be private.

    It is in XDG_RUNTIME_DIR, or else, with the user's number in its name, in the folder for temporary files. A reboot
    empties both.
    """
    session = Path(os.environ.get("XDG_RUNTIME_DIR", ""))
    places = [session / name] if session.is_absolute() else []
    places.append(Path(tempfile.gettempdir()) / f"{name}-{os.getuid()}")
    return next((place for place in places if _is_private(place)), None)


def _is_private(folder: Path) -> bool:
    """Create the folder if it is missing; return whether it is a folder of this user that no other user can open."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()  # a link may lead into a folder that somebody else can read
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077
