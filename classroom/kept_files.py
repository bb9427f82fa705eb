"""Small files from which a restarted classroom on the same port continues, readable by their owner alone."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from pathlib import Path


def read_kept(file: Path, max_age_s: float, max_bytes: int) -> bytes | None:
    """Return the content of a file; None if it is missing, too old, too long, a link or unreadable."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW)
        with os.fdopen(descriptor, "rb") as opened:
            age_s = time.time() - os.fstat(descriptor).st_mtime
            content = opened.read(max_bytes + 1)
    except OSError:
        return None
    return content if age_s < max_age_s and len(content) <= max_bytes else None


def keep(file: Path, content: str) -> bool:
    """Replace the file's content, all at once; return whether that was possible."""
    try:
        descriptor, name = tempfile.mkstemp(dir=file.parent)
    except OSError:
        return False
    unfinished = Path(name)
    try:
        with os.fdopen(descriptor, "w") as opened:
            opened.write(content)
        unfinished.replace(file)
    except OSError:
        with contextlib.suppress(OSError):
            unfinished.unlink()
        return False
    return True
