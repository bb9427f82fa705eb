"""A lock that allows one measurement at a time on a machine.

Two would compete for cores, and neither report could show it. The lock is a flock on a file in the temporary folder; it
ends with the process that holds it, for whatever reason. A container with a temporary folder of its own neither sees
measurements outside of it nor is seen by them.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from contract.errors import UserError

LOCK_NAME = "push-vs-poll.lock"


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Hold the machine's lock; raise UserError if another measurement holds it.

    Do nothing if locks are not available (on Windows, or without a writable temporary folder).
    """
    descriptor = _open(Path(tempfile.gettempdir()) / LOCK_NAME)
    if descriptor is None:
        yield
        return
    try:
        _lock(descriptor)
        yield
    finally:
        os.close(descriptor)


def _open(path: Path) -> int | None:
    if sys.platform == "win32":
        return None
    # The file is shared by all users of the machine, so a link that another user put there is not followed.
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        return os.open(path, flags)
    except FileNotFoundError:
        pass
    except OSError:
        return None
    try:
        descriptor = os.open(path, flags | os.O_CREAT, 0o666)
        os.fchmod(descriptor, 0o666)
    except OSError:
        return None
    return descriptor


def _lock(descriptor: int) -> None:
    import fcntl  # noqa: PLC0415 - not on Windows

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
        raise UserError(
            f"another measurement is running on this machine{f' (process {holder})' if holder else ''}, and each would "
            "disturb the other (expected one at a time: wait until it is done, or end it)"
        ) from error
    except OSError:
        # This file system has no locks.
        return
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
