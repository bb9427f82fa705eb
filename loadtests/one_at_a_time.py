"""One measurement at a time on a machine: two would take each other's cores, and neither report could tell.

The lock is the system's (flock) on a file among the temporary ones, and ends with the process that has it, however that
ends. A container with temporary files of its own does not see a measurement outside of it, nor is seen.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from loadtests.records import UserError

LOCK_NAME = "push-vs-poll.lock"


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Hold the machine's lock; UserError where another measurement has it.

    Where there is no such lock (on Windows, or where temporary files cannot be written), nothing is held.
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
    # Whoever else measures here may be another user, and a link that somebody put there is not followed.
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
            f"another measurement is running on this machine{f' (process {holder})' if holder else ''}: each would "
            "disturb the other (expected one at a time: wait until it is done, or end it)"
        ) from error
    except OSError:
        # This file system has no locks.
        return
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
